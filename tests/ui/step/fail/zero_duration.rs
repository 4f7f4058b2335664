use factum::prelude::*;

#[step(retry(attempts = 2, initial = "0s"))]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
