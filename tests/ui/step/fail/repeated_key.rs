use factum::prelude::*;

#[step(name = "charge", name = "pay")]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
