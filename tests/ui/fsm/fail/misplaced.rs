use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[initial]
#[next(Paid)]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid, Lost)]
    #[group(Open)]
    Placed,
    #[terminal(now)]
    Paid,
    #[commit = true]
    #[next()]
    Lost,
}

fn main() {}
