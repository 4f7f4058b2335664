//! Records in order (floor 3).
//!
//! Owns the passage from [`Event`]s to the log and back: appending a group of
//! one run, waiting until it is durable, replaying what is not in the checkpoint
//! at open, and reading records from the log's files. What must always hold: a
//! group is appended whole or not at all; nothing is handed out that cannot be
//! read to the last byte; the arena knows of every blob that a record names.

use std::future::Future;
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::codec::{Blob, BlobAt, BlobError, BlobSource};
use crate::id::{Lsn, RunNumber};
use crate::platform::Platform;
use crate::record::Event;
use crate::storage::arena::Arena;
use crate::storage::{DataDir, OpenReport, RawRecord, Replay, ReplayError, StorageError, Wal, WalConfig, WalStats};
use crate::time::Timestamp;

/// One event with its place and time.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) lsn: Lsn,
    pub(crate) run: RunNumber,
    pub(crate) time: Timestamp,
    pub(crate) event: Event,
}

/// The log of a data directory, in terms of events.
#[derive(Clone)]
pub(crate) struct Journal {
    dir: Arc<Path>,
    wal: Wal,
    arena: Arena,
    source: Arc<dyn BlobSource>,
}

/// Blobs by their ids, wherever they lie.
#[derive(Debug)]
struct InArena(Arena);

impl BlobSource for InArena {
    fn open(&self, at: &BlobAt) -> Result<Blob, BlobError> {
        let told = |error| Arc::new(error) as BlobError;
        let blob = self.0.get(at.id).map_err(told)?;
        let content = |at: &BlobAt| (at.len, at.crc, at.schema);
        match content(&blob.at()) == content(at) {
            true => Ok(blob),
            // The id was used again after the last run that named the blob was forgotten.
            false => Err(told(StorageError::MissingBlob { id: at.id })),
        }
    }
}

/// Where the blobs of an arena are opened.
pub(crate) fn blobs_of(arena: &Arena) -> Arc<dyn BlobSource> {
    Arc::new(InArena(arena.clone()))
}

struct Decoded<'a> {
    arena: &'a Arena,
    source: &'a Arc<dyn BlobSource>,
    replay: &'a mut dyn FnMut(Entry) -> Result<(), String>,
}

impl Replay for Decoded<'_> {
    fn record(&mut self, lsn: Lsn, record: &RawRecord<'_>) -> Result<(), ReplayError> {
        let entry = decode(lsn, record, self.source).map_err(ReplayError::new)?;
        for at in entry.event.blobs() {
            self.arena.note(&at).map_err(ReplayError::new)?;
            self.arena.named(at.id, lsn);
        }
        if let Event::ArtifactPut { artifact, bytes } = &entry.event
            && let Some(at) = bytes.json_blob()
        {
            self.arena.known_content(artifact.0, at.id).map_err(ReplayError::new)?;
        }
        (self.replay)(entry).map_err(ReplayError::new)
    }
}

fn decode(lsn: Lsn, record: &RawRecord<'_>, source: &Arc<dyn BlobSource>) -> Result<Entry, String> {
    let event = Event::decode(record.kind, record.body, Some(source)).map_err(|e| e.to_string())?;
    Ok(Entry { lsn, run: RunNumber(record.run), time: Timestamp(record.time), event })
}

impl Journal {
    /// Opens the log of a data directory, of which everything up to `applied` is in the checkpoint, and gives every
    /// later event in it to `replay`.
    ///
    /// # Errors
    /// When the log cannot be read, is damaged or does not fit the checkpoint, or `replay` refuses an event.
    pub(crate) fn open(
        platform: &Platform,
        data: DataDir,
        config: WalConfig,
        applied: Lsn,
        arena: Arena,
        replay: &mut dyn FnMut(Entry) -> Result<(), String>,
    ) -> Result<(Journal, OpenReport), StorageError> {
        let source = blobs_of(&arena);
        let dir: Arc<Path> = data.path().into();
        let mut replay = Decoded { arena: &arena, source: &source, replay };
        let (wal, report) = Wal::open(platform, data, config, applied, &mut replay)?;
        Ok((Journal { dir, wal, arena, source }, report))
    }

    /// Queues the events of some runs as one atomic group, and gives the last one's LSN. Never waits.
    ///
    /// # Errors
    /// When the log is closed or a write has failed.
    pub(crate) fn append(&self, time: Timestamp, runs: &[(RunNumber, &[Event])]) -> Result<Lsn, StorageError> {
        self.queue(runs.iter().flat_map(|(run, events)| events.iter().map(move |event| (*run, time, event))))
    }

    /// As [`append`](Self::append), with events that have times of their own.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn append_history(&self, run: RunNumber, events: &[(Timestamp, Event)]) -> Result<Lsn, StorageError> {
        self.queue(events.iter().map(|(time, event)| (run, *time, event)))
    }

    fn queue<'e>(
        &self,
        events: impl Iterator<Item = (RunNumber, Timestamp, &'e Event)> + Clone,
    ) -> Result<Lsn, StorageError> {
        let last = self.wal.append(|group| {
            for (run, time, event) in events.clone() {
                group.record(event.kind() as u8, run.0, time.0, |body| event.encode(body));
            }
        })?;
        events.flat_map(|(.., event)| event.blobs()).for_each(|at| self.arena.named(at.id, last));
        Ok(last)
    }

    /// Completes when everything up to `lsn` is durable. Cancel safe.
    pub(crate) fn durable(&self, lsn: Lsn) -> impl Future<Output = Result<(), StorageError>> + Send + 'static {
        self.wal.durable(lsn)
    }

    /// Whether everything up to `lsn` is durable.
    pub(crate) fn is_durable(&self, lsn: Lsn) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        matches!(pin!(self.durable(lsn)).poll(&mut cx), Poll::Ready(Ok(())))
    }

    /// Completes when the queue has room. Cancel safe.
    pub(crate) fn room(&self) -> impl Future<Output = Result<(), StorageError>> + Send + 'static {
        self.wal.room()
    }

    /// Makes everything durable and ends the segment that it is in; gives the last LSN in it.
    pub(crate) fn seal(&self) -> impl Future<Output = Result<Lsn, StorageError>> + Send + 'static {
        self.wal.seal()
    }

    /// Completes when sealed segments have records above `after`; gives the last such LSN. Cancel safe.
    pub(crate) fn sealed(&self, after: Lsn) -> impl Future<Output = Result<Lsn, StorageError>> + Send + 'static {
        self.wal.sealed(after)
    }

    /// Everything up to here is in a durable checkpoint: the segments that hold no more than that can go.
    pub(crate) fn retire(&self, through: Lsn) {
        self.wal.retire(through);
    }

    /// Stops the log for good; everybody gets the error.
    pub(crate) fn poison(&self, error: StorageError) {
        self.wal.poison(error);
    }

    /// Whether there is space for new runs.
    ///
    /// # Errors
    /// [`StorageError::DiskFull`] when what is left is kept for the runs that there are.
    pub(crate) fn has_space(&self) -> Result<(), StorageError> {
        match self.wal.is_low() {
            true => Err(StorageError::DiskFull { dir: self.dir.to_path_buf() }),
            false => Ok(()),
        }
    }

    /// Looks again for space, if there was none.
    pub(crate) fn retry_space(&self) {
        self.wal.retry_space();
    }

    /// No frame bears this salt or a higher one.
    pub(crate) fn next_salt(&self) -> u64 {
        self.wal.next_salt()
    }

    /// Visits durable records in the log's files, in order, as they are.
    ///
    /// # Errors
    /// [`StorageError::Retired`] when `from` is not in the log any more, and when it cannot be read.
    pub(crate) fn read(
        &self,
        from: Lsn,
        through: Lsn,
        visit: &mut dyn FnMut(Lsn, &RawRecord<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        self.wal.read(from, through, visit)
    }

    /// The first LSN that the log's files hold.
    pub(crate) fn oldest(&self) -> Lsn {
        self.wal.oldest_lsn()
    }

    /// The last LSN that was synced.
    pub(crate) fn durable_lsn(&self) -> Lsn {
        self.wal.durable_lsn()
    }

    /// The event of a record; its blobs are opened when they are wanted.
    ///
    /// # Errors
    /// When it is no record that this version knows.
    pub(crate) fn event(&self, kind: u8, body: &[u8]) -> Result<Event, String> {
        Event::decode(kind, body, Some(&self.source)).map_err(|e| e.to_string())
    }

    /// What the writer has done since the log was opened.
    pub(crate) fn stats(&self) -> WalStats {
        self.wal.stats()
    }

    /// Gives the directory up without marking the log as closed.
    pub(crate) async fn abandon(self) {
        self.wal.abandon().await;
    }

    /// Makes everything durable, marks the log as closed and gives the directory up.
    ///
    /// # Errors
    /// When a write or sync fails now or has failed before.
    pub(crate) async fn close(&self) -> Result<(), StorageError> {
        self.wal.close().await
    }
}
