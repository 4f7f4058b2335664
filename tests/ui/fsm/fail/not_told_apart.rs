//! What is on disk is read back as the state that it was.
use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed { cents: u32 },
    #[terminal]
    Paid { cents: u32 },
}

#[fsm]
#[derive(Serialize, Deserialize)]
enum Parcel {
    #[initial]
    #[next(Sent)]
    Packed,
    #[next(There, Lost)]
    #[serde(rename = "Packed")]
    Sent,
    #[terminal]
    #[serde(alias = "Lost", alias = "Arrived")]
    There,
    #[terminal]
    #[serde(untagged)]
    Lost(String),
}

fn main() {}
