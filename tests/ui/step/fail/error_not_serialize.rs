use factum::prelude::*;

struct PayError;

#[step]
async fn charge(cents: u32) -> Result<u32, PayError> {
    if cents == 0 { Err(PayError) } else { Ok(cents) }
}

fn main() {}
