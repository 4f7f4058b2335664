//! What the callers and the writer share: the queue, how far the log is
//! durable, and who waits for what.
//!
//! One short lock. Wakers are called after it is released. What must always
//! hold: an LSN at or below `durable` was synced; once there is an `end`,
//! nothing is acknowledged and nothing joins the queue.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::queue::{Batch, GroupWriter, Queue};
use super::{Unsealed, WalStats};
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
    /// That a record is in a segment that is closed for good.
    Sealed(Lsn),
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
    /// Go on in a new segment, whose first record is this one.
    Seal { next: Lsn },
    /// Remove a segment that nobody reads any more.
    Retire(Arc<LiveSegment>),
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
    /// Every segment that may be read, ascending; the last is the active one.
    segments: Vec<Arc<LiveSegment>>,
    /// Those that nobody needs any more, ascending; some may still be being read.
    retired: VecDeque<Arc<LiveSegment>>,
    /// What stands in the active one.
    unsealed: Unsealed,
    /// The record whose segment is to be closed for good.
    seal: Option<Lsn>,
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

impl State {
    /// The last LSN before the active segment.
    fn sealed(&self) -> Lsn {
        self.segments.last().map_or(Lsn(0), |active| Lsn(active.first_lsn.0 - 1))
    }

    fn oldest(&self) -> Lsn {
        self.segments.first().map_or(Lsn(1), |oldest| oldest.first_lsn)
    }
}

/// Files that are being read: they stay until this is dropped.
#[derive(Debug)]
pub(super) struct Readable {
    /// The last LSN that may be read.
    pub(super) through: Lsn,
    pub(super) segments: Vec<Arc<LiveSegment>>,
    shared: Arc<Shared>,
}

impl Drop for Readable {
    fn drop(&mut self) {
        self.segments.clear();
        self.shared.prod(|_| {});
    }
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
    /// For a log that ends with what is in `queue`, whose last segment, the active one, has frames of this many bytes.
    pub(super) fn new(
        queue: Queue,
        segments: Vec<LiveSegment>,
        active_bytes: u64,
        queue_bytes: usize,
        commit: bool,
    ) -> Shared {
        let last = queue.last_lsn();
        let records = segments.last().map_or(0, |active| last.0 + 1 - active.first_lsn.0);
        let state = State {
            queue,
            written: last,
            durable: last,
            segments: segments.into_iter().map(Arc::new).collect(),
            retired: VecDeque::new(),
            unsealed: Unsealed { bytes: active_bytes, records },
            seal: None,
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
            Goal::Sealed(lsn) => poison.or_else(|| (lsn <= state.sealed()).then_some(Ok(()))).or_else(ended),
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

    /// Closes the segment that holds what was appended last; gives that LSN.
    pub(super) fn begin_seal(&self) -> Lsn {
        let mut wanted = Lsn(0);
        self.prod(|state| {
            wanted = state.queue.last_lsn();
            state.seal = Some(wanted);
        });
        wanted
    }

    /// The last LSN in a segment that is closed for good.
    pub(super) fn sealed_lsn(&self) -> Lsn {
        self.lock().sealed()
    }

    pub(super) fn unsealed(&self) -> Unsealed {
        self.lock().unsealed
    }

    /// The salt that the next segment gets.
    pub(super) fn next_salt(&self) -> u64 {
        self.lock().segments.last().map_or(1, |active| active.salt + 1)
    }

    /// The first LSN that is in a file.
    pub(super) fn oldest_lsn(&self) -> Lsn {
        self.lock().oldest()
    }

    /// Nobody needs the records up to `through` any more.
    pub(super) fn retire(&self, through: Lsn) {
        self.prod(|state| {
            let ends = state.segments.iter().skip(1).map(|after| Lsn(after.first_lsn.0 - 1));
            let old = ends.take_while(|end| *end <= through).count();
            state.retired.extend(state.segments.drain(..old));
        });
    }

    /// The last LSN that may be read from files, and the files, which stay as long as this is kept.
    pub(super) fn readable(self: &Arc<Self>) -> Readable {
        let state = self.lock();
        let through = if self.commit { state.durable } else { state.written };
        Readable { through, segments: state.segments.clone(), shared: self.clone() }
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
            if let Some(wanted) = state.seal
                && wanted <= state.written
            {
                state.seal = None;
                if state.unsealed.records > 0 {
                    return Poll::Ready(Work::Seal { next: Lsn(state.written.0 + 1) });
                }
            }
            if state.retired.front().is_some_and(|old| Arc::strong_count(old) == 1)
                && let Some(old) = state.retired.pop_front()
            {
                return Poll::Ready(Work::Retire(old));
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
        state.unsealed.bytes += batch.bytes.len() as u64;
        state.unsealed.records += u64::from(batch.count);
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

    /// Frames go to another segment from now on; one with the same first LSN, which has none, is replaced.
    pub(super) fn rotated(&self, segment: LiveSegment) {
        let mut state = self.lock();
        state.segments.retain(|old| old.first_lsn < segment.first_lsn);
        state.segments.push(Arc::new(segment));
        state.unsealed = Unsealed::default();
        self.wake_ready(state);
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
