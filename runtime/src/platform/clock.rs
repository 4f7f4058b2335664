//! Time: the wall clock for what outlives the process, a monotonic clock for what does not.

use std::fmt;
use std::time::Duration;

use super::BoxFuture;
use crate::time::Timestamp;

/// The clocks: the wall's for moments, a monotonic one for how long.
pub(crate) trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock as it is; it may jump either way.
    fn wall(&self) -> Timestamp;
    /// Completes after `d` of monotonic time.
    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()>;
}
