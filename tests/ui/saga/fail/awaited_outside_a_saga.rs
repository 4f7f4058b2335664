use factum::prelude::*;

#[saga]
async fn pay(cents: u32) -> u32 {
    cents
}

async fn elsewhere() -> u32 {
    pay(1).await
}

fn main() {}
