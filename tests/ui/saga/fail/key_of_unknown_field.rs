use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order {
    customer: String,
}

#[saga(concurrency = 10, key = order.custmer)]
async fn checkout(order: Order) {
    let _ = order;
}

fn main() {}
