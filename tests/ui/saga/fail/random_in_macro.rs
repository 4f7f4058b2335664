use factum::prelude::*;

#[saga]
async fn pay() -> String {
    format!("{}", rand::random::<u32>())
}

fn main() {}
