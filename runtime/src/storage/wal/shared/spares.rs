//! Segments that are not in use: retired ones, and those kept ready.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Kept, LiveSegment, Shared};
use crate::storage::disk::{DiskFile, Failure};

/// How many segments are kept ready: the next one, and one in reserve, for which a full disk lets nothing new begin.
pub(in crate::storage::wal) const SPARES: usize = 2;

/// A file of the usual size, filled with zeros and synced; `<n>.free` by name.
#[derive(Debug)]
pub(in crate::storage::wal) struct Spare(pub(in crate::storage::wal) DiskFile);

/// A segment that nobody needs any more, though somebody may still be reading it.
#[derive(Debug)]
pub(in crate::storage::wal) struct Retired {
    pub(in crate::storage::wal) segment: Arc<LiveSegment>,
    /// The offset after its last frame: zeros follow.
    pub(in crate::storage::wal) end: u64,
}

impl From<Kept> for Retired {
    fn from(Kept { segment, end }: Kept) -> Retired {
        Retired { segment, end }
    }
}

/// What the preparer is to do next.
#[derive(Debug)]
pub(in crate::storage::wal) enum Prepare {
    /// Put a segment that nobody reads out of the log.
    Retire(Retired),
    /// Look how much space there is, and make a spare if one is missing.
    Refill { missing: bool },
    /// The writer has ended.
    Leave,
}

#[derive(Debug, Default)]
pub(super) struct Spares {
    pub(super) ready: VecDeque<Spare>,
    /// Ascending.
    pub(super) retired: VecDeque<Retired>,
    /// Why the last spare could not be made: there is no space.
    lacking: Option<Failure>,
    /// Whether the file system says that it is almost full.
    scarce: bool,
    /// Whether to look for space, though there was none the last time.
    pub(super) retry: bool,
    /// Whether the preparer is at work: a refill ends that.
    busy: bool,
    pub(super) preparer: Option<Waker>,
}

impl Spares {
    pub(super) fn is_low(&self) -> bool {
        self.lacking.is_some() || self.scarce
    }

    /// Why there is no spare, and will be none until something changes.
    pub(super) fn given_up(&self) -> Option<&Failure> {
        self.lacking.as_ref().filter(|_| !self.busy && !self.retry)
    }
}

impl Shared {
    /// What there is to prepare; keeps the waker when there is nothing.
    pub(in crate::storage::wal) fn poll_prepare(&self, cx: &mut Context<'_>) -> Poll<Prepare> {
        let mut state = self.lock();
        if state.written_all {
            return Poll::Ready(Prepare::Leave);
        }
        if state.end.is_none() {
            let spares = &mut state.spares;
            if spares.retired.front().is_some_and(|old| Arc::strong_count(&old.segment) == 1)
                && let Some(old) = spares.retired.pop_front()
            {
                spares.busy = true;
                return Poll::Ready(Prepare::Retire(old));
            }
            let missing = spares.ready.len() < SPARES;
            if spares.retry || missing && spares.lacking.is_none() {
                (spares.retry, spares.busy) = (false, true);
                return Poll::Ready(Prepare::Refill { missing });
            }
        }
        state.spares.preparer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// A refill is over: with a spare, or with the reason why there is no space for one.
    pub(in crate::storage::wal) fn refilled(&self, made: Result<Option<Spare>, Failure>, scarce: bool) {
        self.prod(|state| {
            let spares = &mut state.spares;
            (spares.busy, spares.scarce) = (false, scarce);
            match made {
                Ok(spare) => {
                    spares.lacking = None;
                    spares.ready.extend(spare);
                }
                Err(failure) => spares.lacking = Some(failure),
            }
        });
    }

    /// Whether the writer has ended, so that nothing needs to be prepared any more.
    pub(in crate::storage::wal) fn is_over(&self) -> bool {
        let state = self.lock();
        state.written_all || state.end.is_some()
    }

    /// Whether there is nothing to prepare, or nothing more will be.
    #[cfg(test)]
    pub(in crate::storage::wal) fn is_prepared(&self) -> bool {
        let state = self.lock();
        let spares = &state.spares;
        let done = spares.ready.len() == SPARES || spares.given_up().is_some();
        state.end.is_some() || done && !spares.retry && !spares.busy && spares.retired.is_empty()
    }
}
