use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Piad, Elsewhere)]
    Placed,
    #[terminal]
    Paid,
}

#[state]
async fn placed(_: purchase::Placed) -> Next<purchase::Placed> {
    go(purchase::Paid)
}

fn main() {}
