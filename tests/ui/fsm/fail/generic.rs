use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase<T> {
    #[initial]
    #[next(Paid)]
    Placed { cart: T },
    #[terminal]
    Paid,
}

fn main() {}
