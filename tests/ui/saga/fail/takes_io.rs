use factum::prelude::*;

#[saga]
async fn pay(io: &mut Io, cents: u32) -> u32 {
    let _ = io.key();
    cents
}

fn main() {}
