use factum::prelude::*;

#[saga]
async fn patience() {
    tokio::time::sleep(seconds(1)).await;
}

fn main() {}
