use factum::prelude::*;

#[step]
async fn ship(item: u32) {
    let _ = item;
}

#[saga]
async fn checkout(items: Vec<u32>) {
    futures::future::join_all(items.into_iter().map(|item| ship(item))).await;
}

fn main() {}
