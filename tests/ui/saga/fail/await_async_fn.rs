use factum::prelude::*;

async fn helper(n: u32) -> u32 {
    n
}

#[saga]
async fn sum() -> u32 {
    helper(1).await
}

fn main() {}
