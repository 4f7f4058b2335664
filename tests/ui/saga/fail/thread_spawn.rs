use factum::prelude::*;

#[saga]
async fn checkout(order: u32) {
    std::thread::spawn(move || order);
}

fn main() {}
