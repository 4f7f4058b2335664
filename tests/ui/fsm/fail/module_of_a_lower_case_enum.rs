use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
#[allow(non_camel_case_types)]
enum purchase {
    #[initial]
    #[terminal]
    Placed,
}

fn main() {}
