use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> u32 {
    cents
}

#[saga]
async fn pay() {
    let later = async { charge(1).await };
    drop(later);
}

fn main() {}
