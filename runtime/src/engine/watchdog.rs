//! Tells of bodies that do not come to an await.
//!
//! A poll of a body that takes longer than [`LONG`] is reported once, in the log and in the run's `problem`, which is
//! taken back when the poll ends. A thread of its own looks, as nothing else may get to run; it sleeps until the oldest
//! poll is that old, and without end while there is none. What must always hold: a poll wakes the thread once in
//! [`LONG`] at most; nothing keeps the thread once the engine is gone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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

/// How many lists of polls there are. Threads that poll at once seldom share one.
const LISTS: usize = 16;

/// Polls under way, in the order in which they began, with a number of their own. What stands in one list touches no
/// memory of another.
#[derive(Default)]
#[repr(align(128))]
struct List {
    next: u64,
    polls: Vec<(u64, Poll)>,
}

/// Which list this thread's polls are in.
fn list() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static LIST: usize = NEXT.fetch_add(1, Ordering::Relaxed) % LISTS;
    }
    LIST.with(|list| *list)
}

/// Watches the polls of an engine's bodies.
pub(crate) struct Watchdog {
    clock: Arc<dyn Clock>,
    under: [Mutex<List>; LISTS],
    /// The thread looks only when it is told to.
    idle: AtomicBool,
    ended: AtomicBool,
    begun: Notify,
}

impl Watchdog {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Watchdog> {
        Arc::new(Watchdog {
            clock,
            under: Default::default(),
            idle: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            begun: Notify::new(),
        })
    }

    fn under(&self, list: usize) -> MutexGuard<'_, List> {
        self.under[list].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A poll of a run's body is under way until the guard is dropped.
    pub(super) fn watch(&self, run: &Arc<LiveRun>) -> Watched<'_> {
        let poll = Poll { since: self.clock.elapsed(), run: run.clone(), reported: false };
        let list = list();
        let number = {
            let mut under = self.under(list);
            under.next += 1;
            let number = under.next;
            under.polls.push((number, poll));
            number
        };
        // Either this sees that the thread is idle, or the thread, which looks behind that, sees the poll.
        if self.idle.load(Ordering::SeqCst) && self.idle.swap(false, Ordering::SeqCst) {
            self.begun.notify_one();
        }
        Watched { watchdog: self, list, number }
    }

    /// Ends the thread.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.begun.notify_one();
    }

    /// What the thread does.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            self.idle.store(true, Ordering::SeqCst);
            let idle = (0..LISTS).all(|list| self.under(list).polls.is_empty());
            if idle {
                self.begun.notified().await;
                // Many short polls must not wake it each.
                self.clock.sleep_alone(LONG).await;
                continue;
            }
            self.idle.store(false, Ordering::SeqCst);
            let pause = self.report();
            self.clock.sleep_alone(pause).await;
        }
    }

    /// Reports what takes long. How long until something else may.
    fn report(&self) -> Duration {
        let now = self.clock.elapsed();
        let mut long = Vec::new();
        let mut pause = LONG;
        for list in 0..LISTS {
            for (_, poll) in self.under(list).polls.iter_mut().filter(|(_, poll)| !poll.reported) {
                let taken = now.saturating_sub(poll.since);
                if taken < LONG {
                    pause = pause.min(LONG - taken);
                    continue;
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
    list: usize,
    number: u64,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let ended = {
            let mut under = self.watchdog.under(self.list);
            // The last one, as a rule: threads seldom share a list, and a poll within a poll ends first.
            let at = under.polls.iter().rposition(|(number, _)| *number == self.number);
            at.map(|at| under.polls.remove(at).1)
        };
        if let Some(poll) = ended.filter(|poll| poll.reported) {
            poll.run.spins_no_more();
        }
    }
}
