use factum::prelude::*;

#[step(retry(attempts = 0))]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
