use factum::prelude::*;

#[step("charge")]
async fn charge(cents: u32) -> u32 {
    cents
}

#[step(pure idempotent)]
async fn refund(cents: u32) -> u32 {
    cents
}

fn main() {}
