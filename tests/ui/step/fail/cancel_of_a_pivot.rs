use factum::prelude::*;

#[step(pivot, cancel = "abort")]
async fn charge(order: u32) {
    let _ = order;
}

fn main() {}
