//! Time: the wall clock for what outlives the process, a monotonic clock for what does not.

use std::fmt;
use std::time::Duration;

use super::BoxFuture;
use crate::time::Timestamp;

/// The clocks: the wall's for moments, a monotonic one for how long.
pub(crate) trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock as it is; it may jump either way.
    fn wall(&self) -> Timestamp;
    /// How much monotonic time has gone by since some moment of this process.
    fn elapsed(&self) -> Duration;
    /// Completes after `d` of monotonic time.
    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()>;
    /// As [`sleep`](Self::sleep), also while every other task is kept from running. May block in a poll: for a thread
    /// of its own alone.
    fn sleep_alone(&self, d: Duration) -> BoxFuture<'static, ()> {
        self.sleep(d)
    }
}
