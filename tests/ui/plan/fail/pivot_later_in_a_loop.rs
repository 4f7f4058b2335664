use factum::prelude::*;

#[step]
async fn release(order: u32) {
    let _ = order;
}

#[step(compensate = release(order))]
async fn reserve(order: u32) {
    let _ = order;
}

#[step(pivot)]
async fn charge(order: u32) {
    let _ = order;
}

#[saga]
async fn checkout(orders: Vec<u32>) {
    for order in orders {
        reserve(order).await;
        charge(order).await;
    }
}

fn main() {}
