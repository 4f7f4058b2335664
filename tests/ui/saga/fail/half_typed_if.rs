use factum::prelude::*;

#[step]
async fn charge(order: u32) -> u32 {
    order
}

#[saga]
async fn checkout(order: u32) -> u32 {
    let paid = charge(order).await;
    if
}

#[saga]
async fn outer(order: u32) -> u32 {
    checkout(order).await + 1
}

fn main() {
    let _ = Engine::builder("data").saga(checkout).saga(outer);
}
