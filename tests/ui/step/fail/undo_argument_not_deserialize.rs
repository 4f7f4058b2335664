use factum::prelude::*;

#[derive(serde::Serialize)]
struct Order;

#[step]
async fn release(order: &Order) {
    let _ = order;
}

#[step(compensate = release(&order))]
async fn reserve(order: Order) {
    let _ = order;
}

fn main() {}
