use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    id: String,
}

#[step]
async fn release(hold: u32, order: &str) {
    let _ = (hold, order);
}

#[step(compensate = release(output, &order.id), unknown = ignore)]
async fn reserve(order: Order) -> String {
    order.id
}

fn main() {}
