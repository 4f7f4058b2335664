use factum::prelude::*;

struct Shop;

#[step]
async fn charge(io: &mut Io<Shop>, cents: u32) -> u32 {
    let _ = io.app();
    cents
}

#[saga]
async fn pay() -> u32 {
    charge(1).await
}

fn main() {}
