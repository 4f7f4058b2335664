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

/// The compiler looks at it when it makes code for it.
fn boxed(engine: &Engine) -> factum::BoxFuture<'_, factum::Result<()>> {
    Box::pin(refuse(engine))
}

fn main() {
    let refusing: fn(&Engine) -> factum::BoxFuture<'_, factum::Result<()>> = boxed;
    println!("{refusing:p}");
}
