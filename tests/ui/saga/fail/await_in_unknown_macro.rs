use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> u32 {
    cents
}

#[saga]
async fn pay() {
    log::info!("charged {}", charge(1).await);
}

fn main() {}
