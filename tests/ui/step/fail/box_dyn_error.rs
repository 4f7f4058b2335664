use std::error::Error;

use factum::prelude::*;

#[step(retry(attempts = 3), timeout = "1s")]
async fn charge(cents: u32) -> Result<u32, Box<dyn Error + Send + Sync>> {
    Ok(cents)
}

#[saga]
async fn checkout(cents: u32) -> Result<u32, Box<dyn Error + Send + Sync>> {
    let paid = charge(cents).await?;
    Ok(paid + 1)
}

fn main() {}
