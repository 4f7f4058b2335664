use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid, Retrying)]
    Placed,
    #[next(Retrying, Waiting)]
    Retrying,
    #[next(Retrying)]
    Waiting,
    #[terminal]
    Paid,
}

fn main() {}
