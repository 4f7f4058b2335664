use factum::Secret;
use factum::prelude::*;

#[step]
async fn charge(key: Secret<String>, cents: u32) -> u32 {
    drop(key);
    cents
}

fn main() {}
