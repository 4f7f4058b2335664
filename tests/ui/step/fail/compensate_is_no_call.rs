use factum::prelude::*;

#[step]
async fn refund() {}

#[step(compensate = refund)]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
