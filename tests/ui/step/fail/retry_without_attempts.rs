use factum::prelude::*;

#[step(retry(initial = "1s"))]
async fn charge(cents: u32) -> u32 {
    cents
}

#[step(retry)]
async fn refund(cents: u32) -> u32 {
    cents
}

fn main() {}
