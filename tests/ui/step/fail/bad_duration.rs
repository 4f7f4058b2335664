use factum::prelude::*;

#[step(retry(attempts = 2, initial = "soon", max = "10"))]
async fn charge(cents: u32) -> u32 {
    cents
}

#[step(retry(attempts = 2, initial = 100, max = "3 fortnights"))]
async fn refund(cents: u32) -> u32 {
    cents
}

fn main() {}
