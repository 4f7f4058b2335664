use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed {
        #[cfg(test)]
        cart: u32,
    },
    #[cfg(feature = "pay")]
    #[cfg_attr(test, terminal)]
    #[terminal]
    Paid,
}

fn main() {}
