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
async fn charge(order: u32) -> bool {
    order == 0
}

#[saga]
async fn checkout(order: u32) {
    match order {
        0 => reserve(order).await,
        1 if charge(order).await => return,
        _ => {}
    }
    reserve(order).await;
}

fn main() {}
