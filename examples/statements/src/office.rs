//! What the step can reach: a counter of the pages of this process, which ends
//! it by SIGKILL when that was asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The workflow's app.
#[derive(Debug, Clone, Default)]
pub struct Office {
    pub(crate) desk: Arc<Desk>,
}

#[derive(Debug, Default)]
pub(crate) struct Desk {
    kill_after: Option<u64>,
    pages: AtomicU64,
}

impl Office {
    /// Counts from 0. With `kill_after`, the process kills itself once that many
    /// pages are finished: with half of the next one written, the worst moment.
    #[must_use]
    pub fn new(kill_after: Option<u64>) -> Office {
        Office { desk: Arc::new(Desk { kill_after, ..Desk::default() }) }
    }

    /// The pages that this process has finished.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.desk.pages.load(Relaxed)
    }
}

impl Desk {
    /// Whether the page that begins is the one to die in.
    pub(crate) fn dies_now(&self) -> bool {
        self.kill_after.is_some_and(|limit| self.pages.load(Relaxed) >= limit)
    }

    /// A page was written.
    pub(crate) fn finished(&self) {
        self.pages.fetch_add(1, Relaxed);
    }
}

/// SIGKILL: nothing is flushed, no destructor runs, nobody is told.
pub(crate) fn kill_myself() {
    let me = rustix::process::getpid();
    // Cannot fail: the process is its own. If it did, the page would just be written.
    let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
}
