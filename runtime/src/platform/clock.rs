//! Time: the wall clock for what outlives the process, a monotonic clock for what does not.

use std::fmt;
use std::time::Duration;

use super::BoxFuture;
use crate::time::Timestamp;

/// The clocks.
pub(crate) trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock as it is; it may jump either way.
    fn wall(&self) -> Timestamp;
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
    /// Completes after `d` of monotonic time.
    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()>;
}
