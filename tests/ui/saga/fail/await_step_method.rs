use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> u32 {
    cents
}

#[saga]
async fn pay() -> u32 {
    charge(1).boxed().await
}

fn main() {}
