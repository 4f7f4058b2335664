use factum::prelude::*;

#[step(retry(attempts = 3, delay = "1s", maximum = "10s"))]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
