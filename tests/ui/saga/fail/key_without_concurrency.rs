use factum::prelude::*;

#[saga(key = order)]
async fn checkout(order: u32) {
    let _ = order;
}

fn main() {}
