use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[initial]
    #[next(Paid, Paid)]
    #[next(Paid)]
    Placed,
    #[terminal]
    Paid,
}

fn main() {}
