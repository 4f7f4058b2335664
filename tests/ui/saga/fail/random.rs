use factum::prelude::*;

#[saga]
async fn pay() -> u32 {
    rand::random()
}

fn main() {}
