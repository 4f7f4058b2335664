use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed,
    #[terminal]
    Paid,
    #[next(Late)]
    Lost,
    #[next(Paid)]
    Late,
}

fn main() {}
