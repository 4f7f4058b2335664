use factum::prelude::*;

#[step(name = "")]
async fn charge(cents: u32) -> u32 {
    cents
}

#[step(name = "re\nfund")]
async fn refund(cents: u32) -> u32 {
    cents
}

#[step(name = charge)]
async fn void(cents: u32) -> u32 {
    cents
}

fn main() {}
