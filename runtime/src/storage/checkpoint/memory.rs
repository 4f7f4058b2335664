//! A checkpoint store in memory.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Batch, CheckpointError, CheckpointStore, JournalRow, KeyRange, Op, TableRow};
use crate::id::Lsn;
use crate::platform::BoxFuture;

/// A checkpoint store that is gone with the process.
///
/// For tests, and for engines whose data directory need not outlive the process. Cheap to clone; clones share their
/// rows, so that one can be kept while engines come and go.
#[derive(Clone, Default)]
pub struct MemoryCheckpoint(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    journals: BTreeMap<(u64, u64), Vec<u8>>,
    tables: BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
    applied: Lsn,
}

impl MemoryCheckpoint {
    /// A store without rows.
    #[must_use]
    pub fn new() -> MemoryCheckpoint {
        MemoryCheckpoint::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let values = rows.tables.values().map(BTreeMap::len).sum::<usize>();
        write!(f, "MemoryCheckpoint(LSN {}, {} rows, {values} values)", rows.applied, rows.journals.len())
    }
}

impl Rows {
    /// Refuses what cannot be done, before anything is done.
    fn check(&self, batch: &Batch) -> Result<(), CheckpointError> {
        batch.check()?;
        let (mut cleared, mut added) = (HashSet::new(), HashSet::new());
        for op in batch.ops() {
            match *op {
                Op::Append { run, sequence, .. } => {
                    let stays = self.journals.contains_key(&(run, sequence)) && !cleared.contains(&run);
                    if stays || !added.insert((run, sequence)) {
                        return Err(CheckpointError::DuplicateSequence { run, sequence });
                    }
                }
                Op::Clear { run } => {
                    cleared.insert(run);
                    added.retain(|(of, _)| *of != run);
                }
                Op::Put { .. } | Op::Remove { .. } => {}
            }
        }
        Ok(())
    }

    fn apply(&mut self, batch: Batch) -> Result<(), CheckpointError> {
        self.check(&batch)?;
        for op in batch.into_ops() {
            match op {
                Op::Append { run, sequence, row } => drop(self.journals.insert((run, sequence), row)),
                Op::Clear { run } => {
                    let theirs: Vec<_> = self.journals.range((run, 0)..=(run, u64::MAX)).map(|(key, _)| *key).collect();
                    theirs.iter().for_each(|key| drop(self.journals.remove(key)));
                }
                Op::Put { table, key, value } => {
                    drop(self.tables.entry(table.into_owned()).or_default().insert(key, value))
                }
                Op::Remove { table, key } => {
                    if let Some(rows) = self.tables.get_mut(&*table) {
                        rows.remove(&key);
                    }
                }
            }
        }
        Ok(())
    }
}

impl CheckpointStore for MemoryCheckpoint {
    fn append<'a>(&'a self, run: u64, sequence: u64, row: &'a [u8]) -> BoxFuture<'a, Result<(), CheckpointError>> {
        Box::pin(async move { self.rows().apply(Batch::from_iter([Op::Append { run, sequence, row: row.to_vec() }])) })
    }

    fn load_run(&self, run: u64) -> BoxFuture<'_, Result<Vec<JournalRow>, CheckpointError>> {
        Box::pin(async move {
            let rows = self.rows();
            let theirs = rows.journals.range((run, 0)..=(run, u64::MAX));
            Ok(theirs.map(|((_, sequence), row)| JournalRow { sequence: *sequence, row: row.clone() }).collect())
        })
    }

    fn clear(&self, run: u64) -> BoxFuture<'_, Result<(), CheckpointError>> {
        Box::pin(async move { self.rows().apply(Batch::from_iter([Op::Clear { run }])) })
    }

    fn apply(&self, batch: Batch, lsn: Lsn) -> BoxFuture<'_, Result<(), CheckpointError>> {
        Box::pin(async move {
            let mut rows = self.rows();
            if lsn < rows.applied {
                return Err(CheckpointError::Stale { applied: rows.applied, lsn });
            }
            rows.apply(batch)?;
            rows.applied = lsn;
            Ok(())
        })
    }

    fn applied_lsn(&self) -> BoxFuture<'_, Result<Lsn, CheckpointError>> {
        Box::pin(ready(Ok(self.rows().applied)))
    }

    fn get<'a>(&'a self, table: &'a str, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, CheckpointError>> {
        Box::pin(async move { Ok(self.rows().tables.get(table).and_then(|rows| rows.get(key)).cloned()) })
    }

    fn scan<'a>(
        &'a self,
        table: &'a str,
        range: KeyRange,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<TableRow>, CheckpointError>> {
        Box::pin(async move {
            let rows = self.rows();
            let Some(table) = rows.tables.get(table).filter(|_| !range.is_empty()) else {
                return Ok(Vec::new());
            };
            let found = table.range::<[u8], _>(range.ends()).map(|(key, value)| (key.clone(), value.clone()));
            Ok(if range.descending { found.rev().take(limit).collect() } else { found.take(limit).collect() })
        })
    }
}
