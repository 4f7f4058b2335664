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
    'all: for part in 0..order {
        if part == 2 {
            charge(part).await;
            if order == 3 {
                break 'all;
            }
            return;
        }
    }
    reserve(order).await;
}

fn main() {}
