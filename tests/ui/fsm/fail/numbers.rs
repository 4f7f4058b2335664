use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed = 1,
    #[terminal]
    Paid,
}

fn main() {}
