use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    id: String,
}

#[step]
async fn release(order: u32) {
    let _ = order;
}

#[step(unknown = release(&order.id))]
async fn reserve(order: Order) -> String {
    order.id
}

fn main() {}
