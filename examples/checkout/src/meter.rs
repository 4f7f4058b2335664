//! Counts what the steps of this process do, and ends it by SIGKILL when that
//! was asked for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The counters. `kill_after` is for showing what a crash does (nothing).
#[derive(Debug, Default)]
pub struct Meter {
    kill_after: Option<u64>,
    finished: AtomicU64,
    retries: AtomicU64,
}

impl Meter {
    /// Counts from 0. With `kill_after`, the process kills itself once that many
    /// steps have finished: at the moment when the next one would begin, since by
    /// then the last fact of its run is on disk, and even 1 gets on.
    #[must_use]
    pub fn new(kill_after: Option<u64>) -> Meter {
        Meter { kill_after, ..Meter::default() }
    }

    /// A step's attempt begins; its first is number 1.
    pub(crate) fn begins(&self, attempt: u32) {
        if attempt > 1 {
            self.retries.fetch_add(1, Relaxed);
        }
        if self.kill_after.is_some_and(|limit| self.finished.load(Relaxed) >= limit) {
            kill_myself();
        }
    }

    /// A step has finished, one way or the other.
    pub(crate) fn finished(&self) {
        self.finished.fetch_add(1, Relaxed);
    }

    /// Attempts that were not a step's first.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.retries.load(Relaxed)
    }
}

/// SIGKILL: nothing is flushed, no destructor runs, nobody is told.
fn kill_myself() {
    let me = rustix::process::getpid();
    // Cannot fail: the process is its own. If it did, the run would just go on.
    let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
}
