//! What the callers and the lanes share: the index, and what is to be written.
//!
//! One short lock; no file is touched, nobody is woken and nothing of a user's is dropped under it.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use uuid::Uuid;

use super::index::{Former, Index, Segment};
use super::job::Job;
use super::read::{Check, Found, Mapped};
use super::segment::SegmentHeader;
use crate::codec::{BlobAt, Digest};
use crate::platform::{LockGuard, Map};
use crate::storage::StorageError;
use crate::storage::crypt::Cipher;
use crate::storage::disk::Disk;

/// Which thread writes a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// What is small: all that wait are written together and synced once.
    Small,
    /// What is large, so that nobody else waits for it.
    Large,
}

/// What a lane has to do.
#[derive(Debug, Default)]
struct Queue {
    jobs: Vec<Job>,
    running: bool,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) index: Index,
    small: Queue,
    large: Queue,
    closing: bool,
    closers: Vec<Waker>,
    pub(super) syncs: u64,
    /// Everybody who copies segments has a clone of this.
    pub(super) copied: Arc<()>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) disk: Disk,
    /// The data directory.
    pub(super) dir: PathBuf,
    pub(super) uuid: Uuid,
    /// The size of a segment that holds several blobs.
    pub(super) segment_bytes: u64,
    /// The directory's lock. Not held here: an arena that nobody writes to must not keep the directory.
    lock: OnceLock<Weak<LockGuard>>,
    /// What new blobs are encrypted with, if they are.
    cipher: OnceLock<Cipher>,
}

/// What there is to see of a segment.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) end: u64,
    pub(super) map: Option<(Arc<dyn Map>, u64)>,
    pub(super) held: Arc<()>,
}

impl State {
    fn queue(&mut self, which: Which) -> &mut Queue {
        match which {
            Which::Small => &mut self.small,
            Which::Large => &mut self.large,
        }
    }
}

impl Shared {
    pub(super) fn new(disk: Disk, dir: &Path, uuid: Uuid, segment_bytes: u64, segments: Vec<SegmentHeader>) -> Shared {
        let state = State {
            index: Index::new(dir, segments),
            small: Queue::default(),
            large: Queue::default(),
            closing: false,
            closers: Vec::new(),
            syncs: 0,
            copied: Arc::new(()),
        };
        Shared {
            state: Mutex::new(state),
            disk,
            dir: dir.to_owned(),
            uuid,
            segment_bytes,
            lock: OnceLock::new(),
            cipher: OnceLock::new(),
        }
    }

    /// What is written is encrypted from now on.
    pub(super) fn encrypt(&self, cipher: &Cipher) {
        // The first one stays, as with the lock.
        self.cipher.get_or_init(|| cipher.clone());
    }

    pub(super) fn cipher(&self) -> &Cipher {
        self.cipher.get_or_init(Cipher::default)
    }

    /// Whose lock the arena writes under.
    pub(super) fn under(&self, lock: &Arc<LockGuard>) {
        // The first one stays: a directory has one lock.
        self.lock.get_or_init(|| Arc::downgrade(lock));
    }

    /// The directory's lock, for a thread that writes; none if nobody said so.
    pub(super) fn directory(&self) -> Result<Option<Arc<LockGuard>>, StorageError> {
        match self.lock.get() {
            None => Ok(None),
            Some(lock) => lock.upgrade().map(Some).ok_or(StorageError::Closed),
        }
    }

    /// Nothing panics under the lock, but if it did each change would be whole.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // For callers.

    /// Queues a job; says whether the lane is to be started.
    pub(super) fn push(&self, which: Which, job: Job) -> Result<bool, StorageError> {
        let mut state = self.lock();
        if state.closing {
            drop(state);
            drop(job);
            return Err(StorageError::Closed);
        }
        state.index.settle();
        let queue = state.queue(which);
        queue.jobs.push(job);
        let waker = queue.waker.take();
        let start = !mem::replace(&mut queue.running, true);
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        Ok(start)
    }

    /// Takes no more jobs; the lanes end when they have done what waits.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        let wakers = [state.small.waker.take(), state.large.waker.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Whether the lanes have ended.
    pub(super) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if !state.small.running && !state.large.running {
            return Poll::Ready(());
        }
        if !state.closers.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.closers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    // For lanes.

    /// What there is to do; `None` when there will be nothing any more.
    pub(super) fn poll_jobs(&self, which: Which, cx: &mut Context<'_>) -> Poll<Option<Vec<Job>>> {
        let mut state = self.lock();
        let closing = state.closing;
        let queue = state.queue(which);
        if !queue.jobs.is_empty() {
            return Poll::Ready(Some(mem::take(&mut queue.jobs)));
        }
        if closing {
            return Poll::Ready(None);
        }
        queue.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// A lane has ended, or could not be started. What it did not do is told so; the next job starts another.
    pub(super) fn lane_gone(&self, which: Which) {
        let mut state = self.lock();
        let Queue { jobs, .. } = mem::take(state.queue(which));
        let closers = mem::take(&mut state.closers);
        drop(state);
        drop(jobs);
        closers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn count_sync(&self) {
        self.lock().syncs += 1;
    }

    // For reading.

    pub(super) fn view(&self, number: u64) -> Option<Seen> {
        let state = self.lock();
        let Segment { path, size, end, map, held, .. } = state.index.segments.get(&number)?;
        Some(Seen { path: path.clone(), size: *size, end: *end, map: map.clone(), held: held.clone() })
    }

    /// A segment was mapped, so that what lies before `through` shows.
    pub(super) fn viewed(&self, number: u64, map: Arc<dyn Map>, through: u64) {
        let mut state = self.lock();
        let Some(segment) = state.index.segments.get_mut(&number) else { return };
        let old = match &segment.map {
            Some((_, more)) if *more >= through => None,
            _ => segment.map.replace((map, through)),
        };
        drop(state);
        drop(old); // may be unmapped
    }

    pub(super) fn place(&self, id: u64) -> Result<BlobAt, StorageError> {
        let state = self.lock();
        state.index.entries.get(&id).map(|entry| entry.at).ok_or(StorageError::MissingBlob { id })
    }

    pub(super) fn find(&self, id: u64) -> Result<Found, StorageError> {
        let state = self.lock();
        let entry = state.index.entries.get(&id).ok_or(StorageError::MissingBlob { id })?;
        Ok(match entry.handle.upgrade() {
            Some(handle) => Found::Open(handle),
            None => Found::At(entry.at, if entry.checked { Check::Place } else { Check::Found }),
        })
    }

    /// A blob was opened and checked. Gives the handle that all share.
    pub(super) fn opened(&self, handle: Arc<Mapped>) -> Result<Arc<Mapped>, StorageError> {
        let id = handle.at().id;
        let mut state = self.lock();
        let entry = state.index.entries.get_mut(&id).ok_or(StorageError::MissingBlob { id })?;
        if entry.at != handle.at() {
            // It has moved meanwhile; this is as good, and may still be named.
            entry.former.push(Former { segment: handle.at().segment, handle: Arc::downgrade(&handle) });
            return Ok(handle);
        }
        entry.checked = true;
        match entry.handle.upgrade() {
            Some(other) => Ok(other),
            None => {
                entry.handle = Arc::downgrade(&handle);
                Ok(handle)
            }
        }
    }

    pub(super) fn id_of(&self, digest: Digest) -> Option<(u64, bool)> {
        let state = self.lock();
        let id = *state.index.contents.get(&digest)?;
        Some((id, state.index.entries.get(&id).is_some_and(|entry| entry.hashed)))
    }

    pub(super) fn hashed(&self, id: u64) {
        if let Some(entry) = self.lock().index.entries.get_mut(&id) {
            entry.hashed = true;
        }
    }

    /// The durable copy of a blob that was made and not taken over yet.
    pub(super) fn copy_of(&self, of: &BlobAt) -> Option<BlobAt> {
        self.lock().index.entries.get(&of.id).filter(|entry| entry.at == *of)?.copy
    }
}
