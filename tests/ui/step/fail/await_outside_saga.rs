use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> u32 {
    cents
}

async fn elsewhere() -> u32 {
    charge(1).await
}

fn main() {}
