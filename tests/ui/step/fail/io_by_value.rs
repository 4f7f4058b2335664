use factum::prelude::*;

#[step]
async fn charge(io: Io, cents: u32) -> u32 {
    let _ = io.key();
    cents
}

fn main() {}
