use factum::prelude::*;

#[saga(concurrency = 0)]
async fn checkout(order: u32) {
    let _ = order;
}

fn main() {}
