use factum::prelude::*;

#[step(cancel = "aborted")]
async fn charge(order: u32) {
    let _ = order;
}

#[step(cancel = "later")]
async fn ship(order: u32) {
    let _ = order;
}

#[step(cancel = abort)]
async fn print(order: u32) {
    let _ = order;
}

fn main() {}
