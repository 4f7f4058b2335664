use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Pay;

#[signal]
#[derive(Serialize, Deserialize)]
struct Cancel;

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    #[accepts(Pay, Cancel)]
    Placed,
    #[next(Shipped)]
    #[accepts(Cancel)]
    Paid,
    #[terminal]
    Shipped,
}

fn main() {}
