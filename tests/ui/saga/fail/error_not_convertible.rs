use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct PayError;

#[derive(Serialize, Deserialize)]
struct CheckoutError;

#[step]
async fn charge(cents: u32) -> Result<u32, PayError> {
    Ok(cents)
}

#[saga]
async fn pay() -> Result<u32, CheckoutError> {
    Ok(charge(1).await?)
}

fn main() {}
