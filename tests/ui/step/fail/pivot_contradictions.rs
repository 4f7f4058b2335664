use factum::prelude::*;

#[step]
async fn refund() {}

#[step(pivot, compensate = refund(), unknown = ignore)]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
