//! A time is drawn, and so it is written here and not taken from elsewhere.
use std::time::Duration;

use factum::prelude::*;
use serde::{Deserialize, Serialize};

const PATIENCE: Duration = Duration::from_secs(1);

#[fsm]
#[group(Open, timeout(Duration::from_secs(5) => Expired))]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[parent(Open)]
    #[next(Expired)]
    #[timeout(PATIENCE => Expired)]
    Placed,
    #[terminal]
    Expired,
}

fn main() {}
