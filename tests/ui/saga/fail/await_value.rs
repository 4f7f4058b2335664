use factum::prelude::*;

#[saga]
async fn pay() -> u32 {
    let cents = 5_u32;
    cents.await
}

fn main() {}
