use factum::prelude::*;

#[step(retry(attempts = 2, initial = "10s", max = "1s"))]
async fn charge(cents: u32) -> u32 {
    cents
}

#[step(retry(attempts = 2, initial = "5m"))]
async fn refund(cents: u32) -> u32 {
    cents
}

fn main() {}
