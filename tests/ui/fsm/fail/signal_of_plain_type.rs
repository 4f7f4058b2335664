use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[reject]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    #[accepts(u32)]
    Placed,
    #[next(End)]
    #[accepts(u32)]
    Paid,
    #[terminal]
    End,
}

#[state]
async fn placed(_: purchase::Placed) -> Next<purchase::Placed> {
    go(purchase::Paid)
}

#[state]
async fn paid(_: purchase::Paid) -> Next<purchase::Paid> {
    go(purchase::End)
}

fn main() {}
