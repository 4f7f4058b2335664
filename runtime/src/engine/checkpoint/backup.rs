//! A consistent copy of a live data directory.
//!
//! The copy is the checkpoint as of one LSN, up to which the log was applied for
//! it, and the blobs that its rows name. It has no log of its own: it goes on
//! after that LSN. Runs go on meanwhile; only the checkpoint stands still. What is encrypted is copied as it stands.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::load::each;
use super::tables;
use super::task::Checkpointer;
use crate::engine::Error;
use crate::engine::core::Core;
use crate::id::Lsn;
use crate::platform::Platform;
use crate::storage::checkpoint::{Batch, CheckpointStore, KeyRange, RedbCheckpoint};
use crate::storage::{self, DataDir, StorageError};

/// How many rows are copied in one batch.
const PAGE: usize = 4096;
/// Journals of so many bytes are copied in one batch, give or take one.
const BATCH_BYTES: usize = 8 << 20;
/// The bytes of the copy's store that are kept in memory.
const CACHE: usize = 8 << 20;

impl Core {
    /// Copies the data directory into `dir`, which is absent or empty; gives the LSN that the copy is of.
    pub(crate) async fn backup(self: &Arc<Self>, dir: &Path) -> Result<Lsn, Error> {
        self.is_open()?;
        let (done, wait) = oneshot::channel();
        let (core, to) = (self.clone(), dir.to_owned());
        let work = async move {
            // The caller may have gone away; the copy is whole then, too.
            let _: Result<(), _> = done.send(core.copy_to(&to).await);
        };
        let thread = self.platform.exec.spawn_thread("factum-backup", Box::pin(work));
        let _thread = thread.map_err(|error| Error::Internal { reason: format!("no thread for a backup: {error}") })?;
        wait.await.unwrap_or_else(|_| Err(Error::Internal { reason: "the backup has panicked".to_owned() }))
    }

    async fn copy_to(&self, dir: &Path) -> Result<Lsn, Error> {
        let copy = DataDir::make_backup(&self.platform, dir)?;
        // A new segment may not come out of the reserve.
        self.journal.has_space()?;
        let sealed = self.journal.seal().await?;
        self.checkpoint.apply_through(sealed).await?;
        let lsn = self.checkpoint.copy(&self.platform, copy.path(), uuid::Uuid::from_bytes(self.origin)).await?;
        let cipher = &self.journal.decoder().cipher;
        copy.finish(uuid::Uuid::from_bytes(self.origin), self.journal.next_salt(), lsn, cipher)?;
        Ok(lsn)
    }
}

impl Checkpointer {
    /// Copies the rows, and the segments of the arena that they need.
    async fn copy(&self, platform: &Platform, dir: &Path, uuid: uuid::Uuid) -> Result<Lsn, StorageError> {
        let _nothing_changes = self.writing.lock().await;
        let held = self.arena.hold_for_backup();
        held.copy_to(dir)?;
        let file = dir.join(storage::CHECKPOINT);
        let store = RedbCheckpoint::open(platform.fs.clone(), &file, uuid, CACHE)?;
        for table in tables::ALL {
            let mut range = KeyRange::all();
            // A row of history is large, the others are small.
            let page = if table == tables::HISTORY { PAGE / 64 } else { PAGE };
            loop {
                let rows = self.stored.scan(table, range.clone(), page).await?;
                let Some((last, _)) = rows.last().cloned() else { break };
                let mut batch = Batch::default();
                for (key, row) in rows {
                    batch.put(table, key, row);
                }
                store.apply(batch, Lsn(0)).await?;
                range = range.resume_after(last);
            }
        }
        let mut flights = Vec::new();
        each(&*self.stored, tables::FLIGHT, KeyRange::all(), |key, _| flights.extend(tables::last_number(key))).await?;
        let (mut batch, mut bytes) = (Batch::default(), 0);
        for run in flights {
            for row in self.stored.load_run(run).await? {
                bytes += row.row.len();
                batch.append(run, row.sequence, row.row);
            }
            if bytes > BATCH_BYTES {
                store.apply(std::mem::take(&mut batch), Lsn(0)).await?;
                bytes = 0;
            }
        }
        let applied = self.applied();
        store.apply(batch, applied).await?;
        Ok(applied)
    }
}
