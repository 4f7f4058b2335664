use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(PlacedNext)]
    Placed,
    #[terminal]
    PlacedNext,
}

fn main() {}
