use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed,
    #[initial]
    #[next(Paid)]
    Returned,
    #[terminal]
    Paid,
}

fn main() {}
