//! Waiting by the wall clock.
//!
//! One task sleeps until the next moment that anybody waits for, and never
//! longer than [`LOOK_AGAIN`], so that a jump of the clock or a suspended
//! machine is noticed.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;

use crate::platform::Clock;
use crate::time::Timestamp;

/// The longest time without a look at the wall clock.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    wakers: BTreeMap<(Timestamp, u64), Waker>,
}

/// The timers of an engine.
#[derive(Debug, Clone)]
pub(crate) struct Timers {
    clock: Arc<dyn Clock>,
    queue: Arc<Mutex<Queue>>,
    sooner: Arc<Notify>,
}

impl Timers {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Timers { clock, queue: Arc::default(), sooner: Arc::default() }
    }

    /// Completes when the wall clock shows `at` or later.
    pub(crate) fn until(&self, at: Timestamp) -> Until {
        Until { timers: self.clone(), at, key: None }
    }

    /// Wakes whoever is due, for ever.
    pub(crate) async fn run(self) {
        loop {
            let sooner = self.sooner.notified();
            let pause = {
                let now = self.clock.wall();
                let mut queue = self.lock();
                while let Some(first) = queue.wakers.first_entry()
                    && first.key().0 <= now
                {
                    first.remove().wake();
                }
                queue.wakers.first_key_value().map_or(LOOK_AGAIN, |((at, _), _)| at.since(now).min(LOOK_AGAIN))
            };
            tokio::select! {
                () = sooner => {}
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait for a moment. Dropping it ends the wait.
#[derive(Debug)]
pub(crate) struct Until {
    timers: Timers,
    at: Timestamp,
    key: Option<u64>,
}

impl Future for Until {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.timers.clock.wall() >= self.at {
            return Poll::Ready(());
        }
        let is_first = {
            let timers = self.timers.clone();
            let mut queue = timers.lock();
            let key = *self.key.get_or_insert_with(|| {
                queue.next += 1;
                queue.next
            });
            queue.wakers.insert((self.at, key), cx.waker().clone());
            queue.wakers.first_key_value().is_some_and(|((_, first), _)| *first == key)
        };
        if is_first {
            self.timers.sooner.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.timers.lock().wakers.remove(&(self.at, key));
        }
    }
}
