use factum::prelude::*;

#[step(retry(attempts = 1, initial = "1s"))]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
