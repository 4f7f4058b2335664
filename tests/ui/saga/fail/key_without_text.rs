use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order {
    items: Vec<u32>,
}

#[saga(concurrency = 10, key = order.items)]
async fn checkout(order: Order) {
    let _ = order;
}

#[saga(concurrency = 10, key = order)]
async fn cancel(order: Order) {
    let _ = order;
}

fn main() {}
