//! Kills an engine at random moments for minutes, with random retention, and sees that nothing grows, stays or is lost.
//!
//! Run by `tests/soak/run`. The driver starts this program again as the process that is killed, tells it what must be
//! known, and measures directory and process. What is bounded, and by what, stands in [`settings::BOUNDS`].
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it panics where it fails, as a test")]

mod child;
mod driver;
mod measure;
mod settings;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

/// The argument that makes this the process that is killed; the data directory follows.
const CHILD: &str = "child";

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match (args.next().as_deref(), args.next()) {
        (Some(CHILD), Some(dir)) => {
            child::run(&PathBuf::from(dir)).await;
            ExitCode::SUCCESS
        }
        _ => driver::run().await,
    }
}
