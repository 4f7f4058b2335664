use factum::prelude::*;

#[saga]
fn pay(cents: u32) -> u32 {
    cents
}

#[saga]
async fn caller() -> u32 {
    pay(1).await
}

fn main() {}
