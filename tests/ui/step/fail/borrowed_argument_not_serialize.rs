use factum::prelude::*;

struct Order;

#[step]
async fn charge(order: &Order) {
    let _ = order;
}

fn main() {}
