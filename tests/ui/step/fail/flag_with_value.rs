use factum::prelude::*;

#[step(pure = true)]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
