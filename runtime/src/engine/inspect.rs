//! Looks at an engine: what its log holds last, and what it has written.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::Error;
use super::checkpoint::Record;
use super::core::Core;
use super::report::{Stats, TailEntry};
use crate::id::{Lsn, RunId, RunNumber};
use crate::storage::StorageError;

impl Core {
    /// The last durable events of all runs that the log still holds, oldest first, each with its run's id.
    pub(crate) async fn tail(self: &Arc<Self>, count: usize) -> Result<Vec<TailEntry>, Error> {
        self.is_there()?;
        let mut last = VecDeque::new();
        loop {
            let durable = self.journal.durable_lsn();
            let from = Lsn(durable.0.saturating_sub(count as u64) + 1).max(self.journal.oldest());
            last.clear();
            let read = self.journal.read(from, durable, &mut |lsn, raw| {
                last.push_back((RunNumber(raw.run), Record::of(lsn, raw)));
                ControlFlow::Continue(())
            });
            match read {
                Err(StorageError::Retired { .. }) => {}
                read => break read?,
            }
        }
        let names: HashMap<RunNumber, RunId> =
            self.runs().by_id.values().map(|run| (run.number, run.id.clone())).collect();
        let mut entries = Vec::with_capacity(last.len());
        for (number, record) in last {
            let run = match names.get(&number) {
                Some(id) => Some(id.clone()),
                None => self.checkpoint.row(number).await.map_err(StorageError::from)?.map(|row| row.id),
            };
            entries.push(TailEntry { run, entry: self.entry(number, &record)? });
        }
        Ok(entries)
    }

    /// What the engine has written since it was opened, and what it holds now.
    pub(crate) fn stats(&self) -> Stats {
        let wal = self.journal.stats();
        let arena = self.checkpoint.arena.stats();
        Stats {
            syncs: wal.syncs,
            frames: wal.frames,
            records: wal.records,
            bytes: wal.bytes,
            runs_in_memory: self.runs().by_id.len(),
            applied: self.checkpoint.applied(),
            blobs: arena.blobs,
            blob_bytes: arena.bytes_live,
        }
    }
}
