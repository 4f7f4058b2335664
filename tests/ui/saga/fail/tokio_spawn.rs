use factum::prelude::*;

#[saga]
async fn pay() {
    tokio::spawn(async {});
}

fn main() {}
