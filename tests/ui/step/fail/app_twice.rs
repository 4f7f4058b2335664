use factum::prelude::*;

struct Shop;

#[step(app = Shop)]
async fn charge(io: &mut Io<Shop>) {
    let _ = io.app();
}

fn main() {}
