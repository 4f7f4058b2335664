use factum::prelude::*;

#[step(retry(attempts = 2), compensate = refund(&output), unknown = ignore)]
async fn charge(io: &mut Io, order: u32) -> u32 {
    io.key();
    order.
}

#[step]
async fn refund(order: &u32) {
    let _ = order;
}

#[saga]
async fn checkout(order: u32) -> u32 {
    charge(order).await + 1
}

fn main() {
    let _ = Engine::builder("data").saga(checkout);
}
