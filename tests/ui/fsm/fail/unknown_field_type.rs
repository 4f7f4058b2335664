use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[terminal]
    Placed { cart: Crat },
}

fn main() {}
