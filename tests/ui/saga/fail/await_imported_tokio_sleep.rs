use factum::prelude::*;

use tokio::time::sleep as wait;

#[saga]
async fn patience() {
    wait(seconds(1)).await;
}

fn main() {}
