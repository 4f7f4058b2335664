use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Approval;

#[saga]
async fn pay() {
    signal::<Approval>().await;
}

fn main() {}
