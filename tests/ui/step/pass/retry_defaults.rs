//! What `retry` does not say is 100 ms at first, doubled each time, a minute at most, without jitter.

use std::time::Duration;

use factum::__private::{RetryPolicy, StepCall, StepSig};
use factum::prelude::*;

#[step]
async fn once() {}

#[step(retry(attempts = 3))]
async fn by_default() {}

#[step(retry(attempts = 4, initial = "1s", factor = 1.5, max = "2s", jitter = 0.5))]
async fn as_given() {}

fn of<S: StepSig>(_: StepCall<'_, S>) -> RetryPolicy {
    S::META.retry
}

fn main() {
    assert_eq!(of(once()).attempts, 1);
    let (initial, max) = (Duration::from_millis(100), Duration::from_secs(60));
    assert_eq!(of(by_default()), RetryPolicy { attempts: 3, initial, factor: 2.0, max, jitter: 0.0 });
    let (initial, max) = (Duration::from_secs(1), Duration::from_secs(2));
    assert_eq!(of(as_given()), RetryPolicy { attempts: 4, initial, factor: 1.5, max, jitter: 0.5 });
}
