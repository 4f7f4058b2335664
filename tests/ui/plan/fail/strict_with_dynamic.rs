use factum::prelude::*;

#[step(pure)]
async fn price(order: u32) -> u32 {
    order
}

#[saga(strict)]
async fn checkout(order: u32) -> u32 {
    let call = price(order);
    call.await
}

fn main() {}
