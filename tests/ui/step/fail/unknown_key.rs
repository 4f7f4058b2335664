use factum::prelude::*;

#[step(retires(attempts = 3), timout = "30s", idempotency_key = "x")]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
