use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed,
    #[terminal]
    #[next(Placed)]
    #[timeout("1s" => Placed)]
    Paid,
}

#[state]
async fn placed(_: purchase::Placed) -> Next<purchase::Placed> {
    go(purchase::Paid)
}

#[state]
async fn paid(_: purchase::Paid) -> Next<purchase::Paid> {
    go(purchase::Placed)
}

fn main() {}
