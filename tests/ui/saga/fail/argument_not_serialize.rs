use factum::prelude::*;

struct Order;

#[saga]
async fn pay(order: Order) {
    let _ = order;
}

fn main() {}
