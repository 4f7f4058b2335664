use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> Result<u32, String> {
    Ok(cents)
}

#[saga]
async fn pay() {
    charge(1).await;
}

fn main() {}
