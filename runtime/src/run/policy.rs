//! How often a step is tried, and how long between.

use std::time::Duration;

/// A step's `retry(..)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// The most attempts whose failure counts; 1 is no retry.
    pub attempts: u32,
    /// The wait after the first failure.
    pub initial: Duration,
    /// What each further wait is multiplied by.
    pub factor: f64,
    /// The longest wait.
    pub max: Duration,
    /// The share of a wait, from 0 to 1, that chance may take off or add.
    pub jitter: f64,
}

impl RetryPolicy {
    /// One attempt, and so no wait.
    pub const NONE: RetryPolicy =
        RetryPolicy { attempts: 1, initial: Duration::ZERO, factor: 1.0, max: Duration::ZERO, jitter: 0.0 };

    /// The wait after the `failures`th failure, from 1; `chance` is from 0 to 1.
    pub(crate) fn backoff(&self, failures: u32, chance: f64) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let nominal = self.initial.as_secs_f64() * self.factor.powi(exponent);
        let spread = 1.0 + self.jitter * (2.0 * chance - 1.0);
        let max = self.max.as_secs_f64();
        // A product beyond what a float holds is infinite, and so above `max`.
        Duration::try_from_secs_f64((nominal.min(max) * spread).min(max)).unwrap_or(self.max)
    }
}
