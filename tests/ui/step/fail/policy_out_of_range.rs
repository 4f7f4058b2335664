use factum::prelude::*;

#[step(retry(attempts = 2, factor = 0.5, jitter = 2))]
async fn charge(cents: u32) -> u32 {
    cents
}

#[step(retry(attempts = 2, jitter = -0.1))]
async fn refund(cents: u32) -> u32 {
    cents
}

fn main() {}
