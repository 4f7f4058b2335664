use factum::prelude::*;

#[saga(concurrency = 10, key = "all")]
async fn checkout(order: u32, note: &str) {
    let _ = (order, note);
}

#[saga(concurrency = 10, key = 1)]
async fn nightly() {}

fn main() {}
