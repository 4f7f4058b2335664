use factum::prelude::*;

#[step(timeout = "30s")]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
