use factum::prelude::*;

struct Shop;

#[saga(app = Shop)]
async fn pay(cents: u32) -> u32 {
    cents
}

fn register() {
    let _ = Engine::builder("data").saga(pay);
}

fn main() {}
