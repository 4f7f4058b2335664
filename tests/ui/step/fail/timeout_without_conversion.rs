use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum PayError {
    Declined,
}

#[step(timeout = "30s")]
async fn charge(cents: u32) -> Result<u32, PayError> {
    if cents == 0 { Err(PayError::Declined) } else { Ok(cents) }
}

fn main() {}
