//! What the callers, the writer and the preparer share: the queue, how far the
//! log is durable, its segments and spares, and who waits for what.
//!
//! One short lock. Wakers are called after it is released. What must always
//! hold: an LSN at or below `durable` was synced; once there is an `end`,
//! nothing is acknowledged and nothing joins the queue; the directory's lock
//! goes with the last of the threads.
//!
//! `callers`, `writing` and `spares` are what each side does. What a caller asks for most can be read without the
//! lock; it is written under it.

mod callers;
mod spares;
mod waiters;
mod writing;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;

use super::WalStats;
use super::queue::Queue;
use super::relay::Relay;
use super::sync::{Guard, Lock};
use crate::id::Lsn;
use crate::platform::LockGuard;
use crate::storage::StorageError;

pub(super) use self::callers::Readable;
use self::spares::Spares;
pub(super) use self::spares::{Prepare, Retired, SPARES, Spare};
use self::waiters::Waiters;
pub(super) use self::writing::Work;

/// So many who were told at once are worth waiting for: then the processors are the limit, and each sync takes a share of them.
/// With fewer the disk is, and nothing is gained by leaving it idle.
const MANY: usize = 96;
/// How often they are waited for, while there are an eighth more of them at each look.
const LOOKS: u32 = 16;

/// How often the writer has lingered for what it is to write next, and how many waited then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lingered {
    times: u32,
    waiting: usize,
}

/// Where nobody waits for the disk, a frame of so many bytes is written at once.
const LARGE: usize = 256 << 10;

/// What a future waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Goal {
    /// That a record is on disk.
    Durable(Lsn),
    /// That the queue is below its limit.
    Room,
    /// That the log is closed.
    Closed,
    /// That the threads have let go of everything, the lock included.
    Gone,
    /// That a record is in a segment that is closed for good.
    Sealed(Lsn),
}

/// Where a waiter's waker is kept.
pub(super) type Ticket = (Goal, u64);

/// A segment that may be read while the log is live.
#[derive(Debug)]
pub(super) struct LiveSegment {
    pub(super) first_lsn: Lsn,
    pub(super) salt: u64,
    pub(super) size: u64,
    pub(super) path: PathBuf,
}

/// A segment of the log and the offset after its last frame. Whoever reads it keeps a clone.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) segment: Arc<LiveSegment>,
    pub(super) end: u64,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// The last LSN in a file.
    written: Lsn,
    /// The last LSN that was synced.
    durable: Lsn,
    /// Every segment that may be read, ascending; the last is the active one.
    segments: Vec<Kept>,
    /// The record whose segment is to be closed for good.
    seal: Option<Lsn>,
    spares: Spares,
    stats: WalStats,
    /// Why the log takes and acknowledges nothing more.
    end: Option<StorageError>,
    closing: bool,
    /// Whether the last handle is gone.
    abandoned: bool,
    /// Whether the time for a sync has come.
    tick: bool,
    /// How many threads are at work.
    threads: u32,
    /// Whether the writer has ended: the preparer follows.
    written_all: bool,
    /// The directory's lock, until all threads have ended.
    lock: Option<Arc<LockGuard>>,
    writer: Option<Waker>,
    /// Who waits for records.
    durables: Waiters,
    /// How many of them were told last time.
    told: usize,
    /// Who waits for something else.
    waiters: BTreeMap<Ticket, Waker>,
    tickets: u64,
    /// Kept for its buffer.
    ready: Vec<Waker>,
}

impl State {
    /// The last LSN before the active segment.
    fn sealed(&self) -> Lsn {
        self.segments.last().map_or(Lsn(0), |active| Lsn(active.segment.first_lsn.0 - 1))
    }

    /// Whether what there is to write is better written a little later, with more. Where somebody waits for the disk,
    /// more is about to come when many were told a moment ago: they go on, and wait again.
    fn may_linger(&self, commit: bool, lingered: Lingered) -> bool {
        let few = match commit {
            true => {
                let waiting = self.durables.len();
                let come = lingered.times == 0 || 8 * waiting >= 9 * lingered.waiting;
                self.told >= MANY && waiting < self.told && come && lingered.times < LOOKS
            }
            false => lingered.times == 0 && self.queue.bytes() < LARGE,
        };
        // The checkpointer waits for a segment that is full, whenever that is.
        let idle = |goal: &Goal| matches!(goal, Goal::Sealed(_));
        let hurries = self.seal.is_some() || !self.waiters.keys().all(|(goal, _)| idle(goal));
        let quiet = !self.closing && !self.abandoned && !self.tick && !hurries;
        few && quiet && self.queue.bytes() > 0
    }

    fn forget(&mut self, ticket: Ticket) {
        match ticket {
            (Goal::Durable(lsn), number) => self.durables.leave(lsn, number),
            ticket => drop(self.waiters.remove(&ticket)),
        }
    }

    fn oldest(&self) -> Lsn {
        self.segments.first().map_or(Lsn(1), |oldest| oldest.segment.first_lsn)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Lock<State>,
    queue_bytes: usize,
    /// Whether waiters wait for the disk.
    commit: bool,
    /// The last LSN that was synced, or queued where nobody waits for the disk.
    acknowledged: AtomicU64,
    /// How many bytes wait.
    queued: AtomicUsize,
    /// Whether there is an `end`.
    ended: AtomicBool,
    pub(super) relay: Relay,
}

impl Shared {
    /// For a log that ends with what is in `queue`.
    pub(super) fn new(
        queue: Queue,
        segments: Vec<Kept>,
        lock: Arc<LockGuard>,
        queue_bytes: usize,
        commit: bool,
    ) -> Arc<Shared> {
        let last = queue.last_lsn();
        let state = State {
            queue,
            written: last,
            durable: last,
            segments,
            seal: None,
            spares: Spares::default(),
            stats: WalStats::default(),
            end: None,
            closing: false,
            abandoned: false,
            tick: false,
            threads: 0,
            written_all: false,
            lock: Some(lock),
            writer: None,
            durables: Waiters::default(),
            told: 0,
            waiters: BTreeMap::new(),
            tickets: 0,
            ready: Vec::new(),
        };
        Arc::new(Shared {
            state: Lock::new(state),
            queue_bytes,
            commit,
            acknowledged: AtomicU64::new(last.0),
            queued: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            relay: Relay::default(),
        })
    }

    /// Whether a record is acknowledged, as far as can be said without the lock.
    pub(super) fn is_acknowledged(&self, lsn: Lsn) -> bool {
        !self.ended.load(Ordering::Acquire) && lsn.0 <= self.acknowledged.load(Ordering::Acquire)
    }

    /// Whether the queue is below its limit, as far as can be said without the lock.
    pub(super) fn has_room(&self) -> bool {
        !self.ended.load(Ordering::Acquire) && self.queued.load(Ordering::Acquire) <= self.queue_bytes
    }

    /// What can be read without the lock follows a change under it.
    fn tell(&self, state: &State) {
        let acknowledged = if self.commit { state.durable } else { state.queue.last_lsn() };
        self.acknowledged.store(acknowledged.0, Ordering::Release);
        self.queued.store(state.queue.bytes(), Ordering::Release);
        self.ended.store(state.end.is_some(), Ordering::Release);
    }

    fn lock(&self) -> Guard<'_, State> {
        self.state.lock()
    }

    /// The result of a wait that is over.
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
            Goal::Gone => (state.threads == 0).then_some(Ok(())),
            Goal::Sealed(lsn) => poison.or_else(|| (lsn <= state.sealed()).then_some(Ok(()))).or_else(ended),
        }
    }

    /// Changes the state, and sets the writer and the preparer to work.
    fn prod(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let wakers = [state.writer.take(), state.spares.preparer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// The log takes and acknowledges nothing more.
    pub(super) fn end(&self, why: StorageError) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(why);
            state.queue.clear();
        }
        self.wake_ready(state);
        // The writer may be waiting for a spare segment.
        self.prod(|_| {});
    }

    /// A thread is about to work on the log.
    pub(super) fn join(&self) {
        self.lock().threads += 1;
    }

    /// A thread has ended. The last one lets the directory go.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.threads -= 1;
        if state.threads == 0 {
            state.lock = None;
            state.end.get_or_insert(StorageError::Closed);
        }
        self.wake_ready(state);
    }

    /// Wakes everybody whose wait is over.
    fn wake_ready(&self, mut state: Guard<'_, State>) {
        self.tell(&state);
        let mut ready = std::mem::take(&mut state.ready);
        let mut durables = std::mem::take(&mut state.durables);
        durables.take_while(|lsn| self.result(&state, Goal::Durable(lsn)).is_some(), &mut ready);
        state.durables = durables;
        state.told = ready.len();
        let others: Vec<Ticket> =
            state.waiters.keys().copied().filter(|ticket| self.result(&state, ticket.0).is_some()).collect();
        let others: Vec<Waker> = others.iter().filter_map(|ticket| state.waiters.remove(ticket)).collect();
        drop(state);
        // Few, and some of them on threads that no runtime drives.
        others.into_iter().for_each(Waker::wake);
        self.relay.wake(&mut ready);
        if ready.capacity() > 0 {
            self.lock().ready = ready;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use super::*;

    /// Queues a record for which so many wait.
    fn queue(shared: &Shared, waiters: usize) {
        let (lsn, _) = shared.append(|group| group.record(1, 1, 1, |_| {}), None).unwrap();
        for _ in 0..waiters {
            assert!(shared.poll(Goal::Durable(lsn), &mut None, &mut Context::from_waker(Waker::noop())).is_pending());
        }
    }

    fn work(shared: &Shared, lingered: Lingered) -> Work {
        match shared.poll_work(lingered, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(work) => work,
            Poll::Pending => panic!("there is a record to write"),
        }
    }

    fn write(shared: &Shared, lingered: Lingered) {
        match work(shared, lingered) {
            Work::Write { batch, bytes, .. } => shared.finished(batch, bytes, true),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn many_who_were_told_are_waited_for_also_while_the_checkpointer_waits_and_few_are_not() {
        let lock = Arc::new(LockGuard::new(()));
        let shared = Shared::new(Queue::new(Lsn(1), 1 << 20), Vec::new(), lock, 1 << 20, true);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(shared.poll(Goal::Sealed(Lsn(1000)), &mut None, &mut cx).is_pending());
        let enough = Lingered { times: LOOKS, waiting: 0 };
        for (told, lingers) in [(1, false), (MANY, true), (3 * MANY, true), (MANY - 1, false)] {
            queue(&shared, told);
            write(&shared, enough);
            queue(&shared, 1);
            let now = work(&shared, Lingered::default());
            assert_eq!(matches!(now, Work::Linger(_)), lingers, "{told} were told");
            match now {
                // Nobody has come: it goes on.
                Work::Linger(lingered) => write(&shared, lingered),
                Work::Write { batch, bytes, .. } => shared.finished(batch, bytes, true),
                other => panic!("{other:?}"),
            }
        }
        // As many as were told are there already; and whoever hurries is not kept waiting.
        queue(&shared, MANY);
        write(&shared, enough);
        queue(&shared, MANY);
        write(&shared, Lingered::default());
        queue(&shared, 1);
        shared.begin_close();
        write(&shared, Lingered::default());
    }
}
