//! A signal that the workflow never waits for, sent through its run's handle.

use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Approval {}

#[signal]
#[derive(Serialize, Deserialize)]
struct Refusal {}

#[saga]
async fn asks() {
    signal::<Approval>().await;
}

async fn refuse(engine: &Engine) -> factum::Result<()> {
    engine.start(asks()).await?.signal(Refusal {}).await
}

fn main() {
    let _ = refuse;
}
