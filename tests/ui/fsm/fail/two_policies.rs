use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Pay;

#[signal]
#[derive(Serialize, Deserialize)]
struct Cancel;

#[fsm]
#[reject]
#[ignore]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    #[accepts(Pay)]
    #[defer(Pay, Cancel)]
    Placed,
    #[next(Shipped)]
    #[accepts(Cancel)]
    #[defer]
    #[defer]
    Paid,
    #[terminal]
    Shipped,
}

fn main() {}
