use factum::prelude::*;

#[step(rate(limit = 0, per = "1s"))]
async fn charge(order: u32) {
    let _ = order;
}

#[step(rate(limit = 100, per = "0s"))]
async fn ship(order: u32) {
    let _ = order;
}

fn main() {}
