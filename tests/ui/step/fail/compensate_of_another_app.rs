use factum::prelude::*;

struct Shop;

#[step]
async fn refund(io: &mut Io<Shop>, cents: u32) {
    let _ = (io.app(), cents);
}

#[step(compensate = refund(cents))]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
