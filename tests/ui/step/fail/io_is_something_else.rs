use factum::prelude::*;

#[step]
async fn charge(io: &mut String, cents: u32) -> u32 {
    io.clear();
    cents
}

fn main() {}
