use factum::prelude::*;

#[saga(concurrency = 10, key = order?)]
async fn checkout(order: Option<u32>) {
    let _ = order;
}

fn main() {}
