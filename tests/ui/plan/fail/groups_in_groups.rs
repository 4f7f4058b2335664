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

#[step]
async fn ship(order: u32) {
    let _ = order;
}

#[saga(strict)]
async fn checkout(orders: Vec<u32>) {
    let later = ship(1);
    let _ = join((sleep(days(2)), later)).await;
    let _ = join((race((sleep(days(2)), join((charge(1), ship(1))))), sleep(days(1)))).await;
    let _ = all(orders.iter().map(|order| {
        let order = *order;
        reserve(order)
    }))
    .await;
}

fn main() {}
