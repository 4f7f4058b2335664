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
async fn checkout(order: u32, parts: Vec<u32>) {
    match order {
        0 => {}
        1 if parts.is_empty() => return,
        _ => {
            if order > 7 {
                charge(order).await;
            }
        }
    }
    while order < 5 {
        reserve(order).await;
        if parts.is_empty() {
            reserve(1).await;
        }
    }
}

fn main() {}
