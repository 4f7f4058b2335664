use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm(naem = "purchase", err = u8)]
#[group(Open, nxet(Paid))]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[inital]
    #[next(Paid)]
    #[parent(Open)]
    #[timout("1s" => Paid)]
    Placed,
    #[terminal]
    Paid,
}

fn main() {}
