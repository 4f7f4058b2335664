use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed,
    #[serde(skip)]
    #[terminal]
    Paid,
}

fn main() {}
