use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed { cart: u32 },
    #[terminal]
    Paid,
}

fn main() {}
