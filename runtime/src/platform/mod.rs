//! The doors to the world outside (floor 1): files, time, chance, threads.
//!
//! Owns the traits through which everything above reaches the operating
//! system, and their real implementations. What must always hold: no module
//! above this one opens a file, reads a clock, draws a random number or starts
//! a thread in any other way, so that a simulation behind the same traits sees
//! all that an engine does.

mod clock;
mod entropy;
mod exec;
mod fs;
pub(crate) mod real;
#[cfg(any(test, fuzzing, feature = "testing"))]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "what stands in for the world in tests panics as they do")]
#[cfg_attr(fuzzing, allow(dead_code, unused_imports, reason = "the tests need more of it than the fuzz targets"))]
pub(crate) mod sim;

use std::sync::Arc;

pub(crate) use crate::time::Timestamp;
pub(crate) use clock::Clock;
pub(crate) use entropy::Entropy;
pub use exec::BoxFuture;
pub(crate) use exec::{Exec, TaskHandle, ThreadHandle, Work, yield_now};
pub(crate) use fs::{File, Fs, LockGuard, Map, Open};

/// One of each door.
#[derive(Clone)]
pub(crate) struct Platform {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) exec: Arc<dyn Exec>,
}
