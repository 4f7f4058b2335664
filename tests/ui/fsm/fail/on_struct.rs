use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
struct Purchase {
    cart: u32,
}

fn main() {}
