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

use crate::codec::{ArtifactId, Blob, BlobAt, BlobError, BlobSource, Payload};
use crate::id::{Lsn, RunNumber};
use crate::platform::Platform;
use crate::record::{Event, Names};
use crate::storage::arena::Arena;
use crate::storage::{
    self, Cipher, CryptError, DataDir, GroupWriter, Of, OpenReport, RawRecord, Refusal, Replay, ReplayError,
    ReplayLane, StorageError, Wal, WalConfig, WalStats,
};
pub(crate) use crate::storage::{LogWait, SharedLog, lane_of};
use crate::time::Timestamp;

/// One event with its place and time.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) lsn: Lsn,
    pub(crate) run: RunNumber,
    pub(crate) time: Timestamp,
    pub(crate) event: Event,
}

/// Events that are recorded as one, encoded. Its buffers can be filled again.
#[derive(Debug, Default)]
pub(crate) struct Group {
    records: storage::Group,
    /// The blobs that they name, kept until the arena knows of that.
    blobs: Vec<Payload>,
}

impl Group {
    pub(crate) fn push(&mut self, run: RunNumber, time: Timestamp, event: &Event) {
        self.records.record(event.kind() as u8, run.0, time.0, |body| event.encode(body));
        for value in event.payloads() {
            if value.named().next().is_some() {
                self.blobs.push(value.clone());
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.blobs.clear();
    }
}

/// The log of a data directory, in terms of events.
#[derive(Clone)]
pub(crate) struct Journal {
    dir: Arc<Path>,
    wal: Wal,
    arena: Arena,
    decoder: Decoder,
}

/// A record as it stands on disk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) run: RunNumber,
    pub(crate) lsn: Lsn,
    pub(crate) time: Timestamp,
    pub(crate) kind: u8,
    pub(crate) encrypted: bool,
    pub(crate) body: &'a [u8],
}

/// What makes events of records, in a log or in a checkpoint.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decoder {
    pub(crate) cipher: Cipher,
    /// Where blobs are opened when they are wanted; without one they cannot be.
    pub(crate) source: Option<Arc<dyn BlobSource>>,
    /// What is called so takes no memory for its name.
    pub(crate) names: Option<Arc<Names>>,
}

/// Why a record is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undecodable {
    #[error(transparent)]
    Encrypted(#[from] CryptError),
    #[error("{0}")]
    Unknown(String),
}

impl Stored<'_> {
    fn of(&self) -> Of<'static> {
        Of::Record { run: self.run.0, lsn: self.lsn, time: self.time.0, kind: self.kind }
    }
}

impl Decoder {
    /// The event that a record is.
    ///
    /// # Errors
    /// When it cannot be decrypted, and when it is none that this version knows.
    pub(crate) fn event(&self, record: &Stored<'_>) -> Result<Event, Undecodable> {
        let body = self.cipher.body(&record.of(), record.encrypted, record.body)?;
        Event::decode(record.kind, &body, self.source.as_ref(), self.names.as_deref())
            .map_err(|e| Undecodable::Unknown(e.to_string()))
    }

    /// The body of a record for this event in the place of another, encrypted if that is.
    ///
    /// # Errors
    /// When it cannot be encrypted.
    pub(crate) fn body(&self, instead: &Stored<'_>, event: &Event) -> Result<Vec<u8>, CryptError> {
        let mut body = Vec::new();
        if !instead.encrypted {
            event.encode(&mut body);
            return Ok(body);
        }
        for nonce in self.cipher.nonces(1)? {
            self.cipher.encrypt(nonce, &instead.of(), &mut body, |body| event.encode(body))?;
        }
        Ok(body)
    }
}

/// Blobs by their ids, wherever they lie.
#[derive(Debug)]
struct InArena(Arena);

impl BlobSource for InArena {
    fn open(&self, at: &BlobAt) -> Result<Blob, BlobError> {
        let told = |error| Arc::new(error) as BlobError;
        let blob = self.0.get(at.id).map_err(told)?;
        match blob.at().content() == at.content() {
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

/// Takes the events of a log's tail: some runs', each one's in their order.
pub(crate) type Take<'t> = dyn FnMut(Entry) -> Result<(), String> + Send + 't;

/// What makes events of the log's tail, on so many lanes.
struct Decoded<'a> {
    arena: &'a Arena,
    lanes: Vec<DecodedLane<'a>>,
}

struct DecodedLane<'a> {
    decoder: &'a Decoder,
    take: &'a mut Take<'a>,
    /// What the arena is to be told of this segment's records.
    named: Vec<(Lsn, InTail)>,
}

/// What a record says of the arena.
enum InTail {
    Blob(BlobAt),
    Content(ArtifactId, u64),
}

impl Replay for Decoded<'_> {
    fn lanes(&mut self) -> Vec<&mut dyn ReplayLane> {
        self.lanes.iter_mut().map(|lane| lane as &mut dyn ReplayLane).collect()
    }

    /// The arena is told in the order of the log.
    fn taken(&mut self) -> Result<(), Refusal> {
        let mut named: Vec<_> = self.lanes.iter_mut().flat_map(|lane| lane.named.drain(..)).collect();
        named.sort_by_key(|(lsn, _)| *lsn);
        named.into_iter().try_for_each(|(lsn, what)| {
            let told = match what {
                InTail::Blob(at) => self.arena.note(&at).map(|()| self.arena.named(at.id, lsn)),
                InTail::Content(artifact, blob) => self.arena.known_content(artifact.0, blob),
            };
            told.map_err(|error| Refusal { lsn, reason: ReplayError::new(error) })
        })
    }
}

impl ReplayLane for DecodedLane<'_> {
    fn record(&mut self, lsn: Lsn, record: &RawRecord<'_>) -> Result<(), ReplayError> {
        let (run, time) = (RunNumber(record.run), Timestamp(record.time));
        let (kind, encrypted) = (record.kind, record.is_encrypted());
        let event = self.decoder.event(&Stored { run, lsn, time, kind, encrypted, body: record.body });
        let event = event.map_err(|error| match error {
            Undecodable::Encrypted(error) => ReplayError::new(error),
            Undecodable::Unknown(reason) => ReplayError::new(reason),
        })?;
        self.named.extend(event.blobs().map(|at| (lsn, InTail::Blob(at))));
        if let Event::ArtifactPut { artifact, bytes } = &event
            && let Some(at) = bytes.json_blob()
        {
            self.named.push((lsn, InTail::Content(*artifact, at.id)));
        }
        (self.take)(Entry { lsn, run, time, event }).map_err(ReplayError::new)
    }
}

impl Journal {
    /// Opens the log of a data directory, of which everything up to `applied` is in the checkpoint, and gives every
    /// later event in it to one of `lanes`, which take them at once: one run's to the lane
    /// that [`lane_of`] says, in their order. If there
    /// is one lane, it is given all events in the log's order.
    ///
    /// # Errors
    /// When the log cannot be read, is damaged or does not fit the checkpoint, or a lane refuses an event.
    pub(crate) fn open(
        platform: &Platform,
        data: DataDir,
        config: WalConfig,
        applied: Lsn,
        arena: Arena,
        decoder: Decoder,
        lanes: Vec<&mut Take<'_>>,
    ) -> Result<(Journal, OpenReport), StorageError> {
        let dir: Arc<Path> = data.path().into();
        let lanes = lanes.into_iter().map(|take| DecodedLane { decoder: &decoder, take, named: Vec::new() });
        let mut replay = Decoded { arena: &arena, lanes: lanes.collect() };
        let (wal, report) = Wal::open(platform, data, config, applied, &mut replay)?;
        Ok((Journal { dir, wal, arena, decoder }, report))
    }

    /// Queues some groups as one atomic group, and gives the last one's LSN. Never waits.
    ///
    /// # Errors
    /// When the log is closed or a write has failed, and when there is no chance to encrypt with.
    pub(crate) fn append(&self, groups: &[&Group]) -> Result<Lsn, StorageError> {
        match self.decoder.cipher.is_on() {
            false => self.plain(groups, |write| self.wal.append(write)),
            true => self.encrypted(groups),
        }
    }

    /// As [`append`](Self::append) of one group, with a wait until it is durable that wakes `waker` though it was not
    /// polled yet.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn append_and_wait(
        &self,
        group: &Group,
        waker: &Waker,
    ) -> Result<(Lsn, LogWait<&SharedLog>), StorageError> {
        if self.decoder.cipher.is_on() {
            let last = self.encrypted(&[group])?;
            return Ok((last, self.wal.durable(last)));
        }
        let mut wait = None;
        let last = self.plain(&[group], |write| {
            let (last, waits) = self.wal.append_and_wait(waker, write)?;
            wait = Some(waits);
            Ok(last)
        })?;
        Ok((last, wait.unwrap_or_else(|| self.wal.durable(last))))
    }

    fn plain(
        &self,
        groups: &[&Group],
        append: impl FnOnce(&dyn Fn(&mut GroupWriter<'_>)) -> Result<Lsn, StorageError>,
    ) -> Result<Lsn, StorageError> {
        let last = append(&|writer| groups.iter().for_each(|group| writer.copy(&group.records)))?;
        self.named(groups, last);
        Ok(last)
    }

    fn named(&self, groups: &[&Group], last: Lsn) {
        let blobs = groups.iter().flat_map(|group| &group.blobs).flat_map(Payload::named);
        blobs.for_each(|at| self.arena.named(at.id, last));
    }

    fn encrypted(&self, groups: &[&Group]) -> Result<Lsn, StorageError> {
        let cipher = &self.decoder.cipher;
        let place = || "a record that is to be written".to_owned();
        let nonces = cipher.nonces(groups.iter().map(|group| group.records.count()).sum());
        let nonces = nonces.map_err(|source| StorageError::Encrypted { place: place(), source });
        // What has happened cannot be recorded: as if it could not be written.
        let nonces = nonces.inspect_err(|error| self.wal.poison(error.clone()))?;
        let last = self.wal.append(|writer| {
            groups.iter().for_each(|group| writer.admit(&group.records));
            let records = groups.iter().flat_map(|group| group.records.records());
            for (RawRecord { kind, run, time, body, .. }, nonce) in records.zip(nonces) {
                writer.encrypted(kind, run, time, |lsn, out| {
                    let of = Of::Record { run, lsn, time, kind };
                    cipher.encrypt(nonce, &of, out, |out| out.extend_from_slice(body))
                });
            }
        })?;
        self.named(groups, last);
        Ok(last)
    }

    /// As [`append`](Self::append), of the events of one run.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn append_events(&self, run: RunNumber, time: Timestamp, events: &[Event]) -> Result<Lsn, StorageError> {
        let mut group = Group::default();
        events.iter().for_each(|event| group.push(run, time, event));
        self.append(&[&group])
    }

    /// Completes when everything up to `lsn` is durable. Cancel safe.
    pub(crate) fn durable(&self, lsn: Lsn) -> LogWait<&SharedLog> {
        self.wal.durable(lsn)
    }

    /// Whether everything up to `lsn` is durable.
    pub(crate) fn is_durable(&self, lsn: Lsn) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        matches!(pin!(self.durable(lsn)).poll(&mut cx), Poll::Ready(Ok(())))
    }

    /// Whether the queue has room: then [`room`](Self::room) would not wait.
    pub(crate) fn has_room(&self) -> bool {
        self.wal.has_room()
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

    /// What makes events of records; their blobs are opened when they are wanted.
    pub(crate) fn decoder(&self) -> &Decoder {
        &self.decoder
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Digest;

    /// The arena may give back what nobody holds, until it knows of the record that names it.
    #[test]
    fn a_group_keeps_the_blobs_that_it_names_until_it_is_cleared() {
        let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(vec![1, 2, 3]);
        let at = BlobAt { id: 7, segment: 1, offset: 0, len: 3, crc: 0, schema: 0, encrypted: false };
        let blob = Blob::new(at, 0, bytes.clone());
        let put = Event::ArtifactPut { artifact: ArtifactId(Digest([0; 32])), bytes: Payload::in_arena(blob.into()) };
        let mut group = Group::default();
        group.push(RunNumber(1), Timestamp(0), &put);
        drop(put);
        assert_eq!(Arc::strong_count(&bytes), 2);
        group.clear();
        assert_eq!(Arc::strong_count(&bytes), 1);
    }
}
