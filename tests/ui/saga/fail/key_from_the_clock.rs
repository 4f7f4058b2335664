use factum::prelude::*;

#[saga(concurrency = 10, key = (order, std::time::SystemTime::now()).0)]
async fn checkout(order: u32) {
    let _ = order;
}

#[saga(concurrency = 10, key = customer_of(order).await)]
async fn cancel(order: u32) {
    let _ = order;
}

fn main() {}
