use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum PayError {
    Declined,
}

fn is_transient(error: &str) -> bool {
    error.is_empty()
}

#[step(retry(attempts = 2, when = is_transient))]
async fn charge(cents: u32) -> Result<u32, PayError> {
    if cents == 0 { Err(PayError::Declined) } else { Ok(cents) }
}

fn main() {}
