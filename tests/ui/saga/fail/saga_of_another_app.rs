use factum::prelude::*;

struct Shop;

#[saga(app = Shop)]
async fn pay(cents: u32) -> u32 {
    cents
}

#[saga]
async fn all() -> u32 {
    pay(1).await
}

fn main() {}
