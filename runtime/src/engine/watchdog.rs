//! Tells of bodies that do not come to an await.
//!
//! A poll of a body that takes longer than [`LONG`] is reported once, in the log and in the run's `problem`, which is
//! taken back when the poll ends. A thread of its own looks, as nothing else may get to run; it sleeps until the oldest
//! poll is that old, and without end while there is none. What must always hold: a poll wakes the thread once in
//! [`LONG`] at most; nothing keeps the thread once the engine is gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::live::LiveRun;
use crate::platform::Clock;

/// How long a poll may take before it is reported.
const LONG: Duration = Duration::from_secs(1);

/// A poll under way.
struct Poll {
    since: Duration,
    run: Arc<LiveRun>,
    reported: bool,
}

#[derive(Default)]
struct Under {
    next: u64,
    /// In the order in which they began.
    polls: BTreeMap<u64, Poll>,
    /// The thread looks only when it is told to.
    idle: bool,
    ended: bool,
}

/// Watches the polls of an engine's bodies.
pub(crate) struct Watchdog {
    clock: Arc<dyn Clock>,
    under: Mutex<Under>,
    begun: Notify,
}

impl Watchdog {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Watchdog> {
        Arc::new(Watchdog { clock, under: Mutex::default(), begun: Notify::new() })
    }

    fn under(&self) -> MutexGuard<'_, Under> {
        self.under.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A poll of a run's body is under way until the guard is dropped.
    pub(super) fn watch(&self, run: &Arc<LiveRun>) -> Watched<'_> {
        let poll = Poll { since: self.clock.elapsed(), run: run.clone(), reported: false };
        let (number, idle) = {
            let mut under = self.under();
            under.next += 1;
            let number = under.next;
            under.polls.insert(number, poll);
            (number, std::mem::take(&mut under.idle))
        };
        if idle {
            self.begun.notify_one();
        }
        Watched { watchdog: self, number }
    }

    /// Ends the thread.
    pub(crate) fn end(&self) {
        self.under().ended = true;
        self.begun.notify_one();
    }

    /// What the thread does.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let idle = {
                let mut under = self.under();
                if under.ended {
                    return;
                }
                under.idle = under.polls.is_empty();
                under.idle
            };
            if idle {
                self.begun.notified().await;
                // Many short polls must not wake it each.
                self.clock.sleep_alone(LONG).await;
                continue;
            }
            let pause = self.report();
            self.clock.sleep_alone(pause).await;
        }
    }

    /// Reports what takes long. How long until something else may.
    fn report(&self) -> Duration {
        let now = self.clock.elapsed();
        let mut long = Vec::new();
        let mut pause = LONG;
        {
            let mut under = self.under();
            for poll in under.polls.values_mut().filter(|poll| !poll.reported) {
                let taken = now.saturating_sub(poll.since);
                if taken < LONG {
                    pause = LONG - taken;
                    break;
                }
                poll.reported = true;
                // Under the lock: the poll cannot end, and take it back, before it is there.
                long.push((poll.run.clone(), poll.run.spins(taken)));
            }
        }
        for (run, problem) in long {
            tracing::warn!(run_id = %run.id, "{problem}; whatever shares its thread waits for it");
        }
        pause
    }
}

/// A poll under way.
pub(super) struct Watched<'w> {
    watchdog: &'w Watchdog,
    number: u64,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let ended = self.watchdog.under().polls.remove(&self.number);
        if let Some(poll) = ended.filter(|poll| poll.reported) {
            poll.run.spins_no_more();
        }
    }
}
