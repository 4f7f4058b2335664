use factum::prelude::*;
use serde::{Deserialize, Serialize};

struct Cart;

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[terminal]
    Placed { cart: Cart },
}

fn main() {}
