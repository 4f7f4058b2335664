//! The checkpointer: applies what the log has sealed, then lets it go.
//!
//! One task on a thread of its own, as a commit of the store may block. What
//! must always hold: only durable records are applied; the log, the arena and
//! the memory let go of something only when the batch that holds it is durable;
//! there is one writer of the store at a time.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, watch};

use super::fold::{Before, Fold, Folded, Wanted, wanted};
use super::gather::Gathered;
use super::retain::Forgetting;
use super::row::RunRow;
use super::rows::plain;
use super::{Broken, History, Retention, load, tables};
use crate::engine::Error;
use crate::engine::core::Core;
use crate::id::{Lsn, RunNumber};
use crate::journal::{Decoder, Journal};
use crate::platform::Clock;
use crate::storage::StorageError;
use crate::storage::arena::Arena;
use crate::storage::checkpoint::{Batch, CheckpointError, CheckpointStore, KeyRange, RedbCheckpoint};

/// Of the log's records so many are applied in one batch, at most.
const BATCH_RECORDS: usize = 100_000;
/// And records of so many bytes, give or take one.
const BATCH_BYTES: usize = 16 << 20;
/// The least time between two rounds that somebody asked for.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a full disk, or a store that cannot be reached, is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How the checkpointer works.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) history: History,
    pub(crate) retention: Retention,
    /// Records that are older than this are applied though their segment is not full.
    pub(crate) seal_age: Duration,
    /// Waiting runs leave memory after so long.
    pub(crate) park_age: Duration,
    /// With more runs in memory than this, those that wait leave at once.
    pub(crate) resident: usize,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            history: History::Full,
            retention: Retention::default(),
            seal_age: Duration::from_secs(5),
            park_age: Duration::from_secs(30),
            resident: 10_000,
        }
    }
}

/// The checkpoint of a data directory, and who may write it.
pub(crate) struct Checkpointer {
    pub(crate) store: Arc<dyn CheckpointStore>,
    /// The same rows as they stand there: some may be encrypted.
    pub(super) stored: Arc<dyn CheckpointStore>,
    /// That store, if it is the one in the data directory: it is closed before the directory is given up.
    own: OnceLock<RedbCheckpoint>,
    closing: AtomicBool,
    pub(crate) arena: Arena,
    pub(super) decoder: Decoder,
    pub(super) journal: Journal,
    pub(super) policy: Policy,
    clock: Arc<dyn Clock>,
    applied: watch::Sender<Lsn>,
    /// What was applied when the segment before the newest sealed one ended: the log is kept from there.
    kept: AtomicU64,
    /// Who writes the store: this task, or a backup.
    pub(super) writing: Mutex<()>,
    pub(super) forgetting: Forgetting,
    /// Something should leave the log or the memory soon.
    nudge: Notify,
    nudged: AtomicBool,
}

impl Checkpointer {
    pub(crate) fn new(
        stored: Arc<dyn CheckpointStore>,
        arena: Arena,
        journal: Journal,
        policy: Policy,
        clock: Arc<dyn Clock>,
        applied: Lsn,
    ) -> Arc<Checkpointer> {
        let decoder = journal.decoder().clone();
        Arc::new(Checkpointer {
            store: plain(&stored, &decoder.cipher),
            stored,
            own: OnceLock::new(),
            closing: AtomicBool::new(false),
            arena,
            decoder,
            journal,
            policy,
            clock,
            applied: watch::Sender::new(applied),
            kept: AtomicU64::new(applied.0),
            writing: Mutex::new(()),
            forgetting: Forgetting::default(),
            nudge: Notify::new(),
            nudged: AtomicBool::new(false),
        })
    }

    /// The store is this one, in the data directory.
    pub(crate) fn owns(&self, store: RedbCheckpoint) {
        self.own.get_or_init(|| store);
    }

    /// Waits until nobody writes the store, then closes it if it lies in the data directory, which can be given up
    /// then. A backup that is copied comes to its end; what waits for space is given up.
    ///
    /// # Errors
    /// When the store cannot be closed well. It is not asked to be if something else has failed.
    pub(crate) async fn close(&self, well: bool) -> Result<(), StorageError> {
        self.closing.store(true, Ordering::Release);
        let _nobody = self.writing.lock().await;
        self.own.get().map_or(Ok(()), |store| Ok(store.close(well)?))
    }

    /// Everything up to here is in the checkpoint.
    pub(crate) fn applied(&self) -> Lsn {
        *self.applied.borrow()
    }

    /// With more runs in memory than this, some are to leave.
    pub(crate) fn resident(&self) -> usize {
        self.policy.resident
    }

    /// The records of runs whose deletion the log's tail has.
    pub(crate) fn deleting(&self, runs: impl IntoIterator<Item = RunNumber>) {
        self.forgetting.recorded(runs);
    }

    /// Asks for room: what is recorded is applied, and what can leave memory leaves.
    pub(crate) fn nudge(&self) {
        self.nudged.store(true, Ordering::Release);
        self.nudge.notify_one();
    }

    /// Applies until the engine stops, or until the store fails for good.
    pub(crate) async fn run(self: Arc<Self>, core: Arc<Core>) {
        let stopped = core.stop.clone();
        let ended = tokio::select! {
            biased;
            () = stopped.reached(crate::engine::stop::Stage::Parking) => Ok(()),
            failed = self.rounds(&core) => failed,
        };
        if let Err(error) = ended {
            tracing::error!(%error, "the checkpoint has failed: the engine stops");
            self.journal.poison(error);
        }
    }

    async fn rounds(&self, core: &Arc<Core>) -> Result<(), StorageError> {
        loop {
            let sealed = self.sealed().await?;
            self.apply_through(sealed).await?;
            if self.journal.has_space().is_err() {
                // Room for what runs have to record is worth more than a look at what happened last.
                self.journal.retire(self.applied());
            }
            self.journal.retry_space();
            core.forget_old().await.map_err(storage)?;
            core.park(self.nudged.swap(false, Ordering::AcqRel)).await.map_err(storage)?;
            self.tidy().await?;
        }
    }

    /// Waits until there is something to apply; seals what has waited long enough.
    async fn sealed(&self) -> Result<Lsn, StorageError> {
        tokio::select! {
            biased;
            sealed = self.journal.sealed(self.applied()) => return sealed,
            () = async {
                // However many ask: a round for each would be work for nothing.
                self.clock.sleep(PAUSE).await;
                self.nudge.notified().await;
            } => {}
            () = self.clock.sleep(self.policy.seal_age) => {}
        }
        if self.journal.has_space().is_err() {
            // A new segment would come out of the reserve, which is for records: the one that there is is used up.
            return Ok(self.applied());
        }
        self.journal.seal().await
    }

    /// Applies everything up to a sealed LSN, then lets the log go.
    pub(super) async fn apply_through(&self, sealed: Lsn) -> Result<(), StorageError> {
        if sealed <= self.applied() {
            return Ok(());
        }
        let before = self.applied();
        let mut gathered = Gathered::default();
        loop {
            let _one = self.writing.lock().await;
            // A backup applies, too.
            if self.applied() >= sealed {
                break;
            }
            self.read(Lsn(self.applied().0 + 1), sealed, &mut gathered)?;
            let Some(last) = gathered.last() else { break };
            self.apply(&gathered, last).await?;
        }
        // The newest applied segment stays: what happened last can be looked at.
        self.journal.retire(Lsn(self.kept.swap(before.0, Ordering::AcqRel)));
        Ok(())
    }

    /// The next records of the log, by run.
    fn read(&self, from: Lsn, through: Lsn, gathered: &mut Gathered) -> Result<(), StorageError> {
        gathered.clear();
        self.journal.read(from, through, &mut |lsn, raw| {
            gathered.push(lsn, raw);
            if gathered.len() < BATCH_RECORDS && gathered.bytes() < BATCH_BYTES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        gathered.sort();
        Ok(())
    }

    /// Applies some records of some runs. The caller is the one writer.
    async fn apply(&self, gathered: &Gathered, last: Lsn) -> Result<(), StorageError> {
        let mut pasts = BTreeMap::new();
        let mut names: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        let mut artifacts = BTreeMap::new();
        for (number, records) in gathered.runs() {
            let wanted = wanted(records);
            if wanted == Wanted::default() {
                continue;
            }
            let before = self.again(|| self.before(number, wanted)).await?;
            for &blob in &before.blobs {
                if let Entry::Vacant(unseen) = names.entry(blob) {
                    unseen.insert(self.again(|| self.names(blob)).await?);
                    let id = blob.to_be_bytes();
                    let artifact = self.again(|| self.store.get(tables::BLOB_ARTIFACTS, &id)).await?;
                    artifacts.extend(artifact.map(|artifact| (blob, artifact)));
                }
            }
            pasts.insert(number, before);
        }
        let arena = self.arena.clone();
        let place = move |at: &crate::codec::BlobAt| arena.place(at.id).unwrap_or(*at);
        let mut fold = Fold::new(self.policy.history, &self.decoder, &place, names, artifacts);
        let mut records = Vec::new();
        for (number, theirs) in gathered.runs() {
            records.clear();
            records.extend(theirs);
            fold.run(number, &pasts.remove(&number).unwrap_or_default(), &records).map_err(broken)?;
        }
        let Folded { batch, referenced, free, ended, deleted } = fold.done();
        self.write(batch, last).await?;
        self.forgetting.applied(ended, &deleted);
        referenced.iter().for_each(|blob| self.arena.referenced(*blob));
        free.iter().for_each(|blob| self.arena.unreferenced(*blob));
        self.arena.applied(last);
        self.applied.send_replace(last);
        Ok(())
    }

    /// Writes a batch, as often as it takes while the disk is full. The caller is the one writer.
    pub(super) async fn write(&self, batch: Batch, lsn: Lsn) -> Result<(), StorageError> {
        let tried = AtomicBool::new(false);
        self.again(async || {
            // A call that failed may have happened all the same: its records must not come twice.
            let again = tried.swap(true, Ordering::Relaxed) && lsn > self.applied();
            if again && self.store.applied_lsn().await? >= lsn {
                return Ok(());
            }
            self.store.apply(batch.clone(), lsn).await
        })
        .await
    }

    /// Does something again for as long as it fails in a way that may pass.
    pub(super) async fn again<T, F>(&self, what: impl Fn() -> F) -> Result<T, StorageError>
    where
        F: Future<Output = Result<T, CheckpointError>>,
    {
        let mut told = false;
        loop {
            match what().await {
                Err(error) if error.is_transient() && !self.closing.load(Ordering::Acquire) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(%error, "the checkpoint cannot be written now; it is tried again");
                    }
                    self.clock.sleep(TRY_AGAIN).await;
                }
                done => return Ok(done?),
            }
        }
    }

    async fn before(&self, number: RunNumber, wanted: Wanted) -> Result<Before, CheckpointError> {
        let mut before = Before::default();
        if wanted.row {
            before.row = self.row(number).await?;
        }
        if wanted.journal {
            before.records = load::journal(&*self.store, number).await?;
        }
        if wanted.history {
            before.records = load::history(&*self.store, number).await?.unwrap_or_default();
            before.history = self.keys(tables::HISTORY, tables::run(number)).await?;
        }
        if wanted.blobs {
            before.blobs = self
                .keys(tables::RUN_BLOBS, number.0.to_be_bytes().to_vec())
                .await?
                .iter()
                .filter_map(|key| tables::last_number(key))
                .collect();
        }
        Ok(before)
    }

    pub(crate) async fn row(&self, number: RunNumber) -> Result<Option<RunRow>, CheckpointError> {
        let row = self.store.get(tables::RUNS, &tables::run(number)).await?;
        row.map(|row| RunRow::decode(&row)).transpose().map_err(CheckpointError::other)
    }

    /// The runs that name a blob.
    async fn names(&self, blob: u64) -> Result<BTreeSet<u64>, CheckpointError> {
        let keys = self.keys(tables::BLOB_RUNS, blob.to_be_bytes().to_vec()).await?;
        Ok(keys.iter().filter_map(|key| tables::last_number(key)).collect())
    }

    async fn keys(&self, table: &str, prefix: Vec<u8>) -> Result<Vec<Vec<u8>>, CheckpointError> {
        let rows = self.store.scan(table, KeyRange::prefix(prefix), usize::MAX).await?;
        Ok(rows.into_iter().map(|(key, _)| key).collect())
    }

    fn collect(&self) {
        for failure in self.arena.collect().failures {
            tracing::warn!(?failure, "a segment of the arena cannot be unlinked; it is tried again");
        }
    }

    /// Gives back what the arena does not need any more.
    async fn tidy(&self) -> Result<(), StorageError> {
        self.collect();
        while let Some(moving) = self.arena.survivors() {
            let moved = match self.arena.move_blobs(moving).await {
                Ok(moved) => moved,
                Err(error) => {
                    // They stay where they are, and are moved another time.
                    tracing::warn!(%error, "blobs of a nearly dead segment cannot be moved");
                    break;
                }
            };
            let _one = self.writing.lock().await;
            let (mut batch, mut known) = (Batch::default(), Vec::new());
            for at in moved {
                // A backup may have applied the deletion of all who name it: a row would outlive the blob.
                let id = at.id.to_be_bytes();
                if self.again(|| self.store.get(tables::BLOBS, &id)).await?.is_some() {
                    batch.put(tables::BLOBS, id.to_vec(), super::row::encode_blob(&at));
                    known.push(at);
                }
            }
            self.write(batch, self.applied()).await?;
            self.arena.moved(known);
            self.collect();
        }
        Ok(())
    }
}

/// A fault of the rows as one of the store.
pub(super) fn broken(broken: Broken) -> StorageError {
    CheckpointError::other(broken).into()
}

fn storage(error: Error) -> StorageError {
    match error {
        Error::Storage(error) => error,
        other => CheckpointError::other(other).into(),
    }
}
