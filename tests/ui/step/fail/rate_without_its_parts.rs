use factum::prelude::*;

#[step(rate(limit = 100))]
async fn charge(order: u32) {
    let _ = order;
}

#[step(rate(per = "1s"))]
async fn ship(order: u32) {
    let _ = order;
}

#[step(rate = 100)]
async fn print(order: u32) {
    let _ = order;
}

#[step(limit = 100)]
async fn send(order: u32) {
    let _ = order;
}

fn main() {}
