use factum::prelude::*;

#[step(timeout)]
async fn charge(cents: u32) -> u32 {
    cents
}

#[step(name = )]
async fn refund(cents: u32) -> u32 {
    cents
}

fn main() {}
