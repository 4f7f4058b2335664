use factum::prelude::*;

#[step]
async fn charge(total: &mut u32, cents: u32) {
    *total += cents;
}

fn main() {}
