use factum::prelude::*;

fn refund(cents: u32) -> u32 {
    cents
}

#[step(compensate = refund(cents))]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
