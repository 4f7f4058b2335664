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
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    #[accepts(Pay)]
    #[defer(Payy)]
    Placed,
    #[terminal]
    Paid,
}

fn main() {}
