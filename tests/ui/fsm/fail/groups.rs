use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[group(Open, next(Paid))]
#[group(Unused, next(Paid))]
#[group(Round, parent(About))]
#[group(About, parent(Round))]
#[group(Paid)]
#[group(Open)]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[parent(Opne)]
    #[next(Open)]
    Placed,
    #[parent(Round)]
    #[next(Paid)]
    Sent,
    #[parent(Elsewhere)]
    Lost,
    #[parent(Open)]
    Found,
    #[terminal]
    Paid,
}

fn main() {}
