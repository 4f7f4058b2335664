//! What is awaited may be bound to a variable before: its type says what it is, when the program is made.
use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Pay;

#[signal]
#[derive(Serialize, Deserialize)]
struct Cancel;

#[fsm]
#[reject]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    #[accepts(Pay)]
    Placed,
    #[next(Cancelled)]
    #[accepts(Cancel)]
    Paid,
    #[terminal]
    Cancelled,
}

#[state]
async fn placed(_: purchase::Placed) -> Next<purchase::Placed> {
    let pay = signal::<Pay>();
    pay.await;
    go(purchase::Paid)
}

#[state]
async fn paid(_: purchase::Paid) -> Next<purchase::Paid> {
    let pay = signal::<Pay>();
    race((pay, signal::<Cancel>())).await;
    go(purchase::Cancelled)
}

fn main() {
    let _ = Engine::builder("data").fsm::<Purchase>();
}
