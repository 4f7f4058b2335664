use factum::prelude::*;

#[saga]
async fn pay() {
    std::thread::sleep(seconds(1));
}

fn main() {}
