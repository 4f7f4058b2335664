use factum::prelude::*;

#[step]
async fn charge(cents: u32, card: String) -> u32 {
    drop(card);
    cents
}

#[saga]
async fn pay() -> u32 {
    charge(1).await
}

fn main() {}
