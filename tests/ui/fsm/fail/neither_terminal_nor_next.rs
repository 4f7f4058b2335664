use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed,
    Paid,
    #[terminal]
    Shipped,
}

#[state]
async fn placed(_: purchase::Placed) -> Next<purchase::Placed> {
    go(purchase::Paid)
}

#[state]
async fn paid(_: purchase::Paid) -> Next<purchase::Paid> {
    go(purchase::Shipped)
}

fn main() {}
