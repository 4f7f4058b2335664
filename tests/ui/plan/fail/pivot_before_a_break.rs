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
    loop {
        charge(order).await;
        if order == 3 {
            break;
        }
        return;
    }
    reserve(order).await;
}

fn main() {}
