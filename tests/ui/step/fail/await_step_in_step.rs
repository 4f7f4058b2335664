use factum::prelude::*;

#[step]
async fn rate(cents: u32) -> u32 {
    cents
}

#[step]
async fn charge(cents: u32) -> u32 {
    rate(cents).await
}

fn main() {}
