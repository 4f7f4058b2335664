use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Pay;

#[signal]
#[derive(Serialize, Deserialize)]
struct Cancel;

#[fsm]
#[group(Open, accepts(Cancel))]
#[reject]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Packed)]
    #[parent(Open)]
    #[accepts(Pay)]
    Placed,
    #[next(Shipped)]
    #[accepts(Pay)]
    Packed,
    #[terminal]
    Shipped,
}

#[state]
async fn placed(_: purchase::Placed) -> Next<purchase::Placed> {
    let Pay {} = signal::<Pay>().await;
    go(purchase::Packed)
}

#[state]
async fn packed(_: purchase::Packed) -> Next<purchase::Packed> {
    sleep(days(1)).await;
    go(purchase::Shipped)
}

fn main() {}
