use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order;

#[step(retry(attempts = 3))]
async fn charge(order: Order) {
    drop(order);
}

fn main() {}
