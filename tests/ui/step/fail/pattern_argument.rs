use factum::prelude::*;

#[step]
async fn charge((cents, card): (u32, String), _: u8) -> u32 {
    drop(card);
    cents
}

fn main() {}
