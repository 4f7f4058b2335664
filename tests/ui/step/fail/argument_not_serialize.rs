use factum::prelude::*;

struct Order {
    id: String,
}

#[step]
async fn charge(order: Order, cents: u32) -> u32 {
    drop(order.id);
    cents
}

fn main() {}
