use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> u32 {
    cents
}

#[saga]
async fn pay() -> String {
    let receipt: String = charge(1).await;
    receipt
}

fn main() {}
