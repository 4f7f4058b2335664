use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> u32 {
    cents
}

#[saga]
async fn pay() -> u32 {
    tokio::select! {
        cents = charge(1) => cents,
        cents = charge(2) => cents,
    }
}

fn main() {}
