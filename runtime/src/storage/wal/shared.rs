//! What the callers and the writer share: the queue, how far the log is
//! durable, and who waits for what.
//!
//! One short lock. Wakers are called after it is released. What must always
//! hold: an LSN at or below `durable` was synced; once there is an `end`,
//! nothing is acknowledged and nothing joins the queue.

use std::collections::BTreeMap;
use std::mem;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::WalStats;
use super::queue::{Batch, GroupWriter, Queue};
use crate::id::Lsn;
use crate::storage::StorageError;

/// What a future waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Goal {
    /// That a record is on disk.
    Durable(Lsn),
    /// That the queue is below its limit.
    Room,
    /// That the log is closed.
    Closed,
    /// That the writer has let go of everything, the lock included.
    Gone,
}

/// Where a waiter's waker is kept.
pub(super) type Ticket = (Goal, u64);

/// What the writer is to do next.
#[derive(Debug)]
pub(super) enum Work {
    /// Write this frame; the bytes are for [`Shared::finished`].
    Write { batch: Batch, bytes: usize, durable: Lsn },
    /// Sync what was written.
    Sync,
    /// Nothing is left: close the log.
    Close { last: Lsn },
    /// Nothing is left and nobody is there: let go.
    Leave,
}

/// A segment that may be read while the log is live.
#[derive(Debug, Clone)]
pub(super) struct LiveSegment {
    pub(super) first_lsn: Lsn,
    pub(super) salt: u64,
    pub(super) size: u64,
    pub(super) path: PathBuf,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// The last LSN in a file.
    written: Lsn,
    /// The last LSN that was synced.
    durable: Lsn,
    segments: Vec<LiveSegment>,
    stats: WalStats,
    /// Why the log takes and acknowledges nothing more.
    end: Option<StorageError>,
    closing: bool,
    /// Whether the last handle is gone.
    abandoned: bool,
    /// Whether the time for a sync has come.
    tick: bool,
    /// Whether the writer has ended and let go of the lock.
    gone: bool,
    writer: Option<Waker>,
    waiters: BTreeMap<Ticket, Waker>,
    tickets: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    queue_bytes: usize,
    /// Whether waiters wait for the disk.
    commit: bool,
}

impl Shared {
    pub(super) fn new(queue: Queue, segments: Vec<LiveSegment>, queue_bytes: usize, commit: bool) -> Shared {
        let last = queue.last_lsn();
        let state = State {
            queue,
            written: last,
            durable: last,
            segments,
            stats: WalStats::default(),
            end: None,
            closing: false,
            abandoned: false,
            tick: false,
            gone: false,
            writer: None,
            waiters: BTreeMap::new(),
            tickets: 0,
        };
        Shared { state: Mutex::new(state), queue_bytes, commit }
    }

    /// A panic under the lock leaves the state whole: only a caller's group can
    /// panic there, and what it wrote is taken back.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // For callers.

    pub(super) fn append(&self, group: impl FnOnce(&mut GroupWriter<'_>)) -> Result<Lsn, StorageError> {
        let mut state = self.lock();
        if let Some(end) = &state.end {
            return Err(end.clone());
        }
        if state.closing {
            return Err(StorageError::Closed);
        }
        let lsn = state.queue.append(group)?;
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        Ok(lsn)
    }

    /// One poll of a waiter; `ticket` is where its waker is kept.
    pub(super) fn poll(
        &self,
        goal: Goal,
        ticket: &mut Option<Ticket>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), StorageError>> {
        let mut state = self.lock();
        if let Some(result) = self.result(&state, goal) {
            if let Some(ticket) = ticket.take() {
                state.waiters.remove(&ticket);
            }
            return Poll::Ready(result);
        }
        let key = *ticket.get_or_insert_with(|| {
            state.tickets += 1;
            (goal, state.tickets)
        });
        match state.waiters.get_mut(&key) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => {
                state.waiters.insert(key, cx.waker().clone());
            }
        }
        Poll::Pending
    }

    fn result(&self, state: &State, goal: Goal) -> Option<Result<(), StorageError>> {
        let poison = match &state.end {
            Some(StorageError::Closed) | None => None,
            Some(poison) => Some(Err(poison.clone())),
        };
        let ended = || state.end.clone().map(Err);
        match goal {
            Goal::Durable(lsn) if !self.commit => {
                poison.or_else(|| (lsn <= state.queue.last_lsn()).then_some(Ok(()))).or_else(ended)
            }
            Goal::Durable(lsn) => poison.or_else(|| (lsn <= state.durable).then_some(Ok(()))).or_else(ended),
            Goal::Room => ended().or_else(|| (state.queue.bytes() <= self.queue_bytes).then_some(Ok(()))),
            Goal::Closed => poison.or_else(|| state.end.is_some().then_some(Ok(()))),
            Goal::Gone => state.gone.then_some(Ok(())),
        }
    }

    /// A waiter is no more.
    pub(super) fn forget(&self, ticket: Ticket) {
        self.lock().waiters.remove(&ticket);
    }

    pub(super) fn begin_close(&self) {
        self.prod(|state| state.closing = true);
    }

    pub(super) fn abandon(&self) {
        self.prod(|state| state.abandoned = true);
    }

    /// The time for a sync has come.
    pub(super) fn tick(&self) {
        let mut state = self.lock();
        let unsynced = state.durable < state.written;
        state.tick = unsynced;
        let writer = if unsynced { state.writer.take() } else { None };
        drop(state);
        wake(writer);
    }

    fn prod(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let writer = state.writer.take();
        drop(state);
        wake(writer);
    }

    pub(super) fn durable_lsn(&self) -> Lsn {
        self.lock().durable
    }

    pub(super) fn stats(&self) -> WalStats {
        self.lock().stats
    }

    /// The last LSN that may be read from files, and the files.
    pub(super) fn readable(&self) -> (Lsn, Vec<LiveSegment>) {
        let state = self.lock();
        (if self.commit { state.durable } else { state.written }, state.segments.clone())
    }

    #[cfg(test)]
    pub(super) fn waiters(&self) -> usize {
        self.lock().waiters.len()
    }

    // For the writer.

    /// What there is to do; keeps the waker when there is nothing.
    pub(super) fn poll_work(&self, cx: &mut Context<'_>) -> Poll<Work> {
        let mut state = self.lock();
        if state.end.is_none() {
            if mem::take(&mut state.tick) && state.durable < state.written {
                return Poll::Ready(Work::Sync);
            }
            if let Some((batch, bytes)) = state.queue.take() {
                return Poll::Ready(Work::Write { batch, bytes, durable: state.durable });
            }
            if state.closing {
                return Poll::Ready(Work::Close { last: state.queue.last_lsn() });
            }
        }
        if state.abandoned {
            return Poll::Ready(Work::Leave);
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// A frame is written, and synced if `durable`.
    pub(super) fn finished(&self, batch: Batch, bytes: usize, durable: bool) {
        let mut state = self.lock();
        state.written = batch.last_lsn();
        state.stats.frames += 1;
        state.stats.records += u64::from(batch.count);
        state.stats.bytes += batch.bytes.len() as u64;
        state.queue.done(bytes, batch.bytes);
        if durable {
            state.durable = state.written;
        }
        self.wake_ready(state);
    }

    /// All that is written is synced.
    pub(super) fn synced(&self) {
        let mut state = self.lock();
        state.durable = state.written;
        self.wake_ready(state);
    }

    pub(super) fn count_sync(&self) {
        self.lock().stats.syncs += 1;
    }

    /// Frames go to another segment from now on; one with the same first LSN is replaced.
    pub(super) fn rotated(&self, segment: LiveSegment) {
        let mut state = self.lock();
        state.segments.retain(|old| old.first_lsn < segment.first_lsn);
        state.segments.push(segment);
    }

    /// The log takes and acknowledges nothing more.
    pub(super) fn end(&self, why: StorageError) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(why);
            state.queue.clear();
        }
        self.wake_ready(state);
    }

    /// The writer has ended and let go of the lock.
    pub(super) fn gone(&self) {
        let mut state = self.lock();
        state.gone = true;
        self.wake_ready(state);
    }

    /// Wakes everybody whose wait is over.
    fn wake_ready(&self, mut state: MutexGuard<'_, State>) {
        // Waits for records come first, in the order of their LSNs: the walk ends at the first that is not over.
        let mut ready = Vec::new();
        while let Some((&ticket, _)) = state.waiters.first_key_value() {
            if self.result(&state, ticket.0).is_none() {
                break;
            }
            ready.extend(state.waiters.remove(&ticket));
        }
        let others: Vec<Ticket> = state
            .waiters
            .range((Goal::Room, 0)..)
            .map(|(&ticket, _)| ticket)
            .filter(|ticket| self.result(&state, ticket.0).is_some())
            .collect();
        ready.extend(others.iter().filter_map(|ticket| state.waiters.remove(ticket)));
        drop(state);
        ready.into_iter().for_each(Waker::wake);
    }
}

fn wake(writer: Option<Waker>) {
    if let Some(writer) = writer {
        writer.wake();
    }
}
