use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> u32 {
    cents
}

#[saga]
async fn pay() -> (u32, u32) {
    tokio::join!(charge(1), charge(2))
}

fn main() {}
