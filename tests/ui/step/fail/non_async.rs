use factum::prelude::*;

#[step]
fn charge(cents: u32) -> u32 {
    cents
}

#[saga]
async fn pay() -> u32 {
    charge(1).await
}

fn main() {}
