use factum::prelude::*;

#[saga]
async fn pay() {
    use tokio::task::spawn_blocking;
    spawn_blocking(|| {});
}

fn main() {}
