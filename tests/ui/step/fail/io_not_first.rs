use factum::prelude::*;

#[step]
async fn charge(cents: u32, io: &mut Io) -> u32 {
    let _ = io.key();
    cents
}

fn main() {}
