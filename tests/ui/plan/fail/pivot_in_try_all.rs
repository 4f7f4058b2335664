use factum::prelude::*;

#[step]
async fn release(order: u32) {
    let _ = order;
}

#[step(compensate = release(order))]
async fn reserve(order: u32) -> Result<u32, u32> {
    Ok(order)
}

#[step(pivot)]
async fn charge(order: u32) -> Result<u32, u32> {
    Ok(order)
}

#[saga]
async fn checkout(orders: Vec<u32>) -> Result<Vec<u32>, u32> {
    try_all(orders.into_iter().map(|order| charge(order))).concurrency(2).await
}

fn main() {}
