use factum::prelude::*;

#[step]
async fn release(order: u32) {
    let _ = order;
}

#[step(pivot)]
async fn charge(order: u32) -> bool {
    order == 0
}

#[step(compensate = release(order))]
async fn second(order: u32) -> usize {
    (order > 1).into()
}

#[saga]
async fn checkout(order: u32) {
    let mut parts = [false; 2];
    parts[second(order).await] = charge(order).await;
}

fn main() {}
