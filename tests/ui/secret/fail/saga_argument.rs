use factum::Secret;
use factum::prelude::*;

#[saga]
async fn checkout(key: Secret<Vec<u8>>) {
    drop(key);
}

fn main() {}
