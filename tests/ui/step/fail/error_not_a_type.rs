use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> Result<u32, PayError> {
    Ok(cents)
}

fn main() {}
