//! The write-ahead log: records in, one at a time or in atomic groups; the
//! same records out, in order, after any crash.
//!
//! Owns `wal/`. The parts, from the bytes up: `record`,
//! `frame` and `segment` are the format; `scan` finds frames in bytes and
//! `judge` says what they amount to, both pure; `open`, `load` and `replay` are recovery; `group`, `queue`,
//! `shared`, `writer`, `relay` and `prepare` are the live log; `wait` is what callers hold.
//! `verify` reads a log that nobody has open, as recovery does, and changes nothing.
//! What must always hold: see `judge`, `open`, `writer` and `prepare`.

mod config;
mod frame;
mod group;
mod judge;
mod load;
mod open;
mod prepare;
mod problem;
mod queue;
mod read;
mod record;
mod relay;
mod replay;
mod scan;
mod segment;
mod shared;
mod sync;
mod verify;
mod wait;
mod writer;

use std::future::Future;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Waker;

use uuid::Uuid;

use self::config::{MAX_SEGMENT, MIN_SEGMENT};
use self::frame::BLOCK;
use self::open::{Found, Renewed};
use self::prepare::Preparer;
pub(crate) use self::queue::GroupWriter;
use self::queue::Queue;
use self::read::Reached;
use self::shared::Goal;
use self::sync::Lock;
use self::writer::Writer;
use super::StorageError;
use super::dir::DataDir;
use super::disk::{Disk, Failure};
use crate::id::Lsn;
use crate::platform::{BoxFuture, Platform, TaskHandle};

pub use self::config::Durability;
pub(crate) use self::config::WalConfig;
pub(crate) use self::group::Group;
pub(crate) use self::record::RawRecord;
pub(crate) use self::replay::{Lane, Refusal, Replay, ReplayError, lane_of};
pub(crate) use self::shared::Shared;
#[cfg(test)]
pub(crate) use self::verify::verify;
pub(crate) use self::verify::{Verified, identity, verify_records};
pub(crate) use self::wait::Wait;

/// What opening a log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenReport {
    /// The identity of the data directory.
    pub(crate) uuid: Uuid,
    /// Whether the data directory is new.
    pub(crate) created: bool,
    /// The LSN of the last record; 0 when there is none.
    pub(crate) last_lsn: Lsn,
    /// How many records were replayed.
    pub(crate) records: u64,
    /// The torn tail that was cut.
    pub(crate) cut: Option<Cut>,
    /// Whether the log was closed the last time; true for a new one.
    pub(crate) clean: bool,
}

/// A torn tail: the end of a log that a crash interrupted. None of it was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) file: PathBuf,
    pub(crate) offset: u64,
    /// The LSN that the next record gets.
    pub(crate) first_lsn: Lsn,
    /// From `offset` to the last byte that is not zero.
    pub(crate) bytes: u64,
}

/// What the writer has done since the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WalStats {
    /// Syncs of segments, those of new segments included.
    pub(crate) syncs: u64,
    pub(crate) frames: u64,
    pub(crate) records: u64,
    /// Bytes of frames, with their padding.
    pub(crate) bytes: u64,
}

/// A live log. Cheap to clone.
///
/// When the last clone is dropped without [`close`](Wal::close), the writer
/// writes what is queued, ends and releases the directory; the log is then not
/// marked as closed.
#[derive(Debug, Clone)]
pub(crate) struct Wal {
    handle: Arc<Handle>,
}

/// What all clones of a log share, and nobody else.
struct Handle {
    shared: Arc<Shared>,
    disk: Disk,
    /// Where the last read was stopped: the next one mostly begins there.
    reached: Lock<Option<Reached>>,
    ticker: Option<TaskHandle>,
}

impl Wal {
    /// Opens the log of a data directory and replays the records after `applied`, the last one that the checkpoint
    /// has. Segments that the checkpoint has all of are removed, unread. Blocks.
    ///
    /// # Errors
    /// Every named fault of a log, among them that the checkpoint does not fit it
    /// ([`StorageError::CheckpointBehind`], [`StorageError::LogBehind`]), a refusal by `replay`, and IO.
    /// The records that `replay` was given before an error mean nothing; the directory is let go.
    pub(crate) fn open(
        platform: &Platform,
        data: DataDir,
        config: WalConfig,
        applied: Lsn,
        replay: &mut dyn Replay,
    ) -> Result<(Wal, OpenReport), StorageError> {
        let segment_bytes = config.segment_bytes.clamp(MIN_SEGMENT, MAX_SEGMENT).next_multiple_of(BLOCK as u64);
        let commit = config.durability == Durability::Commit;
        let path = data.dir.clone();
        let renew = || Found::find(data, applied)?.check()?.replay(replay, &*platform.exec)?.renew(segment_bytes);
        let Renewed { data, report, segments, tail, free, next_free } = renew().map_err(|e| e.of_opening(&path))?;
        let DataDir { disk, dir, lock, manifest, .. } = data;
        let queue = Queue::new(Lsn(report.last_lsn.0 + 1), segment_bytes);
        let shared = Shared::new(queue, segments, lock, config.queue_bytes, commit);
        let preparer = Preparer::new(disk.clone(), dir.clone(), segment_bytes, free, next_free, shared.clone());
        let writer = {
            let (disk, clock) = (disk.clone(), platform.clock.clone());
            Writer::new(disk, dir, manifest, segment_bytes, commit, tail, shared.clone(), clock)
        };
        // From here on, an error lets go of all.
        let mut handle = Handle { shared, disk, reached: Lock::new(None), ticker: None };
        // Whoever wants to know when they end asks `shared`.
        let threads: [(&str, BoxFuture<'static, ()>); 2] =
            [("factum-wal", Box::pin(writer.run())), ("factum-prepare", Box::pin(preparer.run()))];
        for (name, work) in threads {
            let started = platform.exec.spawn_thread(name, work);
            let _thread = started.map_err(|e| Failure::new("start the writer of", &path, e))?;
        }
        handle.ticker = ticker(platform, config.durability, &handle.shared);
        let _task = handle.shared.relay.start(&*platform.exec);
        Ok((Wal { handle: Arc::new(handle) }, report))
    }

    /// Queues the records that `group` writes, which are atomic together, and
    /// gives the LSN of the last one. Never waits.
    ///
    /// `group` runs under the log's lock: it must be short, and must not call the log.
    ///
    /// # Errors
    /// [`StorageError::Closed`], [`StorageError::Poisoned`], [`StorageError::TooLarge`]; nothing is queued then.
    pub(crate) fn append(&self, group: impl FnOnce(&mut GroupWriter<'_>)) -> Result<Lsn, StorageError> {
        self.handle.shared.append(group, None).map(|(lsn, _)| lsn)
    }

    /// As [`append`](Self::append), with a wait for the last record that wakes `waker` though it was not polled yet.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn append_and_wait(
        &self,
        waker: &Waker,
        group: impl FnOnce(&mut GroupWriter<'_>),
    ) -> Result<(Lsn, Wait<&Shared>), StorageError> {
        let (lsn, ticket) = self.handle.shared.append(group, Some(waker))?;
        Ok((lsn, Wait::joined(&self.handle.shared, Goal::Durable(lsn), ticket)))
    }

    /// Waits until a record is on disk; with other durabilities than `Commit`,
    /// only until it is queued. Cancel safe.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`] once a write or sync has failed, for whatever
    /// record; [`StorageError::Closed`] for one that was never appended.
    pub(crate) fn durable(&self, lsn: Lsn) -> Wait<&Shared> {
        // What all share is not touched: a clone would be.
        Wait::new(&self.handle.shared, Goal::Durable(lsn))
    }

    /// Whether no more than `queue_bytes` are queued, a moment ago. False, too, of a log that takes nothing any more.
    pub(crate) fn has_room(&self) -> bool {
        self.handle.shared.has_room()
    }

    /// As [`durable`](Self::durable), for who outlives this handle.
    #[cfg(test)]
    fn durable_alone(&self, lsn: Lsn) -> Wait {
        self.wait(Goal::Durable(lsn))
    }

    /// Waits while more than `queue_bytes` are queued. Cancel safe.
    ///
    /// # Errors
    /// [`StorageError::Closed`], [`StorageError::Poisoned`].
    pub(crate) fn room(&self) -> impl Future<Output = Result<(), StorageError>> + Send + use<> {
        self.wait(Goal::Room)
    }

    /// Closes the segment that holds what was appended until now: it is written and synced, and what comes goes into
    /// a new one, unless the active one is empty. Gives the last LSN that is in a closed segment. The future only
    /// waits for that. Cancel safe.
    ///
    /// # Errors
    /// [`StorageError::Closed`], [`StorageError::Poisoned`].
    pub(crate) fn seal(&self) -> impl Future<Output = Result<Lsn, StorageError>> + Send + use<> {
        let wanted = self.handle.shared.begin_seal();
        self.until_sealed(wanted)
    }

    /// Waits until closed segments hold records after `after`; gives the last LSN in them. Cancel safe.
    ///
    /// # Errors
    /// [`StorageError::Closed`], [`StorageError::Poisoned`].
    pub(crate) fn sealed(&self, after: Lsn) -> impl Future<Output = Result<Lsn, StorageError>> + Send + use<> {
        self.until_sealed(Lsn(after.0.saturating_add(1)))
    }

    fn until_sealed(&self, lsn: Lsn) -> impl Future<Output = Result<Lsn, StorageError>> + Send + use<> {
        let (wait, shared) = (self.wait(Goal::Sealed(lsn)), self.handle.shared.clone());
        async move {
            wait.await?;
            Ok(shared.sealed_lsn())
        }
    }

    /// Says that a durable checkpoint has every record up to `through`: closed segments with no others go, oldest
    /// first, as soon as nobody reads them. Never waits.
    pub(crate) fn retire(&self, through: Lsn) {
        self.handle.shared.retire(through);
    }

    /// Whether the disk is so full that nothing new may begin: what is left is for what runs to end or to be undone.
    pub(crate) fn is_low(&self) -> bool {
        self.handle.shared.is_low()
    }

    /// Looks for space again, after a while in which the log [was low](Self::is_low). Never waits.
    pub(crate) fn retry_space(&self) {
        self.handle.shared.retry_space();
    }

    /// Stops the log for good: everybody gets this error from now on, and nothing more is written.
    pub(crate) fn poison(&self, error: StorageError) {
        self.handle.shared.end(error);
    }

    /// The salt that the next segment gets: what a backup needs to know.
    pub(crate) fn next_salt(&self) -> u64 {
        self.handle.shared.next_salt()
    }

    /// The first LSN that is in the log's files.
    pub(crate) fn oldest_lsn(&self) -> Lsn {
        self.handle.shared.oldest_lsn()
    }

    /// The LSN of the last record that was synced.
    pub(crate) fn durable_lsn(&self) -> Lsn {
        self.handle.shared.durable_lsn()
    }

    /// What the writer has done since the log was opened.
    pub(crate) fn stats(&self) -> WalStats {
        self.handle.shared.stats()
    }

    /// Visits the records from `from` through `through`, in order, from the files: as far as they were acknowledged
    /// when this was called (with other durabilities than `Commit`: written). Blocks.
    ///
    /// # Errors
    /// [`StorageError::Retired`] when `from` is not in the log any more, damage, and IO.
    pub(crate) fn read(
        &self,
        from: Lsn,
        through: Lsn,
        visit: &mut dyn FnMut(Lsn, &RawRecord<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let readable = self.handle.shared.readable();
        let reached = *self.handle.reached.lock();
        let stopped = read::records(&self.handle.disk, &readable, from, through, reached, visit)?;
        if stopped.is_some() {
            *self.handle.reached.lock() = stopped;
        }
        Ok(())
    }

    /// Closes the log: from now on nothing is appended; what is queued is
    /// written and synced, the log is marked as closed, the writer ends and the
    /// directory is released. The future only waits for that. Cancel safe.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`]; the directory is then held until the last clone is dropped.
    pub(crate) fn close(&self) -> impl Future<Output = Result<(), StorageError>> + Send + use<> {
        self.handle.shared.begin_close();
        self.wait(Goal::Closed)
    }

    /// Drops this, the last clone, and waits until the directory is released.
    /// The log is not marked as closed.
    pub(crate) async fn abandon(self) {
        let gone = self.wait(Goal::Gone);
        drop(self);
        // This goal is reached whatever else has happened: its result is always `Ok`.
        let _: Result<(), StorageError> = gone.await;
    }

    /// Waits until all segments are ready that are to be.
    #[cfg(test)]
    async fn prepared(&self) {
        while !self.handle.shared.is_prepared() {
            tokio::task::yield_now().await;
        }
    }

    /// How many waiters are kept.
    #[cfg(test)]
    fn waiters(&self) -> usize {
        self.handle.shared.waiters()
    }

    fn wait(&self, goal: Goal) -> Wait {
        Wait::new(self.handle.shared.clone(), goal)
    }
}

/// Calls for a sync at intervals, if the log wants that.
///
/// A task and not the writer's, as a sleep belongs to where tasks run.
fn ticker(platform: &Platform, durability: Durability, shared: &Arc<Shared>) -> Option<TaskHandle> {
    let Durability::Interval(interval) = durability else { return None };
    let (clock, shared) = (platform.clock.clone(), Arc::downgrade(shared));
    Some(platform.exec.spawn(Box::pin(async move {
        loop {
            clock.sleep(interval).await;
            match shared.upgrade() {
                Some(shared) => shared.tick(),
                None => return,
            }
        }
    })))
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(ticker) = &self.ticker {
            ticker.abort();
        }
        self.shared.abandon();
        self.shared.relay.end();
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("shared", &self.shared).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
