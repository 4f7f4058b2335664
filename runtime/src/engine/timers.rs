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
                biased;
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "these tests are tasks of tokio themselves")]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tokio::sync::oneshot;

    use super::*;
    use crate::platform::BoxFuture;

    type Sleeping = (Duration, oneshot::Sender<()>);

    /// A wall clock that is set by hand, and sleeps that end when they are told to.
    #[derive(Debug)]
    struct Hands {
        wall: AtomicI64,
        sleeps: UnboundedSender<Sleeping>,
    }

    impl Clock for Hands {
        fn wall(&self) -> Timestamp {
            Timestamp(self.wall.load(Ordering::SeqCst))
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
            let (end, ended) = oneshot::channel();
            self.sleeps.send((d, end)).unwrap();
            Box::pin(async move { drop(ended.await) })
        }
    }

    fn hands() -> (Arc<Hands>, UnboundedReceiver<Sleeping>) {
        let (sleeps, sleeping) = unbounded_channel();
        (Arc::new(Hands { wall: AtomicI64::new(0), sleeps }), sleeping)
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_jump_of_the_wall_clock_is_noticed_within_a_minute() {
        let (clock, mut sleeping) = hands();
        let timers = Timers::new(clock.clone());
        let task = tokio::spawn(timers.clone().run());
        let wait = tokio::spawn(timers.until(Timestamp(0).after(HOUR)));
        // However far the moment is, the sleep of the one task is short; each ends as soon as it begins.
        while !wait.is_finished() {
            let (d, end) = sleeping.recv().await.unwrap();
            assert!(d <= Duration::from_secs(60), "{d:?}");
            if !timers.lock().wakers.is_empty() {
                clock.wall.store(Timestamp(0).after(2 * HOUR).0, Ordering::SeqCst);
            }
            drop(end);
            tokio::task::yield_now().await;
        }
        wait.await.unwrap();
        task.abort();
    }

    #[tokio::test]
    async fn a_sooner_moment_cuts_the_sleep_short_and_a_dropped_wait_is_forgotten() {
        let (clock, mut sleeping) = hands();
        let timers = Timers::new(clock.clone());
        let task = tokio::spawn(timers.clone().run());
        let second = Duration::from_secs(1);
        let late = tokio::spawn(timers.until(Timestamp(0).after(10 * second)));
        let soon = tokio::spawn(timers.until(Timestamp(0).after(second)));
        while sleeping.recv().await.unwrap().0 != second {}
        late.abort();
        assert!(late.await.unwrap_err().is_cancelled());
        assert_eq!(timers.lock().wakers.len(), 1);
        soon.abort();
        assert!(soon.await.unwrap_err().is_cancelled());
        assert!(timers.lock().wakers.is_empty());
        task.abort();
    }
}
