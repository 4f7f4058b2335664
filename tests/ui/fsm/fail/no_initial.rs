use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[next(Paid)]
    Placed,
    #[terminal]
    Paid,
}

fn main() {}
