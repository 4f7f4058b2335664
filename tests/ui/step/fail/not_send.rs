use factum::prelude::*;

use std::rc::Rc;

async fn pause() {}

#[step]
async fn charge(cents: u32) -> u32 {
    let count = Rc::new(1);
    pause().await;
    cents + *count
}

fn main() {}
