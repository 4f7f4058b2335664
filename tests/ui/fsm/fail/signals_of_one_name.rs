use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Pay;

#[signal(name = "Pay")]
#[derive(Serialize, Deserialize)]
struct PayAgain;

#[fsm]
#[reject]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    #[accepts(Pay, PayAgain)]
    Placed,
    #[terminal]
    Paid,
}

#[state]
async fn placed(_: purchase::Placed) -> Next<purchase::Placed> {
    go(purchase::Paid)
}

fn main() {}
