use factum::prelude::*;

#[step]
async fn refund(cents: u32) {
    let _ = cents;
}

#[step(compensate = refund(amount))]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
