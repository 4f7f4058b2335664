//! The steps and sagas that are measured.

use factum::prelude::*;
use serde::{Deserialize, Serialize};

/// How many steps a run of [`ten`] has.
pub(crate) const STEPS: usize = 10;

/// JSON of 100 bytes: the quotes, and what stands between them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Output(String);

impl Output {
    fn new() -> Output {
        Output("0123456789".repeat(10)[..98].to_owned())
    }
}

/// Does nothing, and might have done anything: an effectful step.
#[step]
async fn effectful(_n: u64) -> Output {
    Output::new()
}

#[step(pure)]
async fn computed(_n: u64) -> Output {
    Output::new()
}

#[saga]
pub(crate) async fn ten(of: u64) -> u64 {
    for _ in 0..10 {
        effectful(of).await;
    }
    of
}

#[saga]
pub(crate) async fn ten_pure(of: u64) -> u64 {
    for _ in 0..10 {
        computed(of).await;
    }
    of
}

/// So many steps in one run.
#[saga]
pub(crate) async fn many(steps: u64) -> u64 {
    for n in 0..steps {
        effectful(n).await;
    }
    steps
}

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Go;

/// Waits until it is told to go on, in the middle of its ten steps.
#[saga]
pub(crate) async fn halfway(of: u64) -> u64 {
    for _ in 0..5 {
        effectful(of).await;
    }
    signal::<Go>().await;
    for _ in 0..5 {
        effectful(of).await;
    }
    of
}
