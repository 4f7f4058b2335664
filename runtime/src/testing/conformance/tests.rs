//! Every clause holds for the stores that there are, and is broken by one that is made to break it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::task::{Context, Poll, Waker};

use uuid::Uuid;

use super::*;
use crate::id::Lsn;
use crate::platform::Fs;
use crate::platform::sim::Disk;
use crate::storage::{Batch, JournalRow, KeyRange, MemoryCheckpoint, Op, RedbCheckpoint, TableRow};
use factum::checkpoint_store;

fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn the_store_in_memory_keeps_the_contract() {
    let clauses = now(checkpoint_conformance(async || Arc::new(MemoryCheckpoint::new()) as Arc<dyn CheckpointStore>));
    assert_eq!(clauses, CLAUSES.len());
}

#[test]
fn the_store_on_disk_keeps_the_contract() {
    now(checkpoint_conformance(async || {
        let disk = Disk::default();
        disk.create_dir_all(Path::new("/data")).unwrap();
        let path = Path::new("/data/checkpoint.redb");
        let store = RedbCheckpoint::open(Arc::new(disk), path, Uuid::from_u128(1), 1 << 20).unwrap();
        Arc::new(store) as Arc<dyn CheckpointStore>
    }));
}

/// What a user's store can get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    StartsAtOne,
    OrderOfArrival,
    OverwritesRows,
    NarrowRuns,
    ClearsAll,
    AppendMovesLsn,
    CutsRows,
    ForgetsRemoves,
    RowsBeforeClears,
    NotAtomic,
    KeepsTheFirstOfTwo,
    TakesStale,
    RefusesSame,
    IgnoresEmpty,
    TakesLarge,
    RefusesLarge,
    TakesAnyName,
    EmptyIsNone,
    RefusesToRemoveNothing,
    MixesTables,
    ShortFirst,
    NeverDescends,
    LimitsBeforeDescending,
    EndsExcluded,
    EmptyRangeFails,
}

/// A store over another, which does everything right but for one thing.
#[derive(Debug)]
struct Defective {
    inner: MemoryCheckpoint,
    defect: Defect,
    arrived: std::sync::Mutex<Vec<(u64, u64)>>,
}

impl Defective {
    fn with(defect: Defect) -> Arc<dyn CheckpointStore> {
        Arc::new(Defective { inner: MemoryCheckpoint::new(), defect, arrived: Default::default() })
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn run(&self, run: u64) -> u64 {
        if self.is(Defect::NarrowRuns) { run & 0xff } else { run }
    }

    fn table<'a>(&self, table: &'a str) -> &'a str {
        if self.is(Defect::MixesTables) && table == "ab" { "a" } else { table }
    }

    /// The batch as this store understands it.
    fn bent(&self, batch: Batch) -> Batch {
        let (mut ops, defect) = (batch.into_ops(), self.defect);
        match defect {
            Defect::ForgetsRemoves => ops.retain(|op| !matches!(op, Op::Remove { .. })),
            Defect::RowsBeforeClears => ops.sort_by_key(|op| matches!(op, Op::Clear { .. })),
            Defect::EmptyIsNone => {
                ops.retain(|op| !matches!(op, Op::Put { value, .. } if value.is_empty()));
            }
            Defect::KeepsTheFirstOfTwo => {
                let mut seen = std::collections::HashSet::new();
                ops.retain(|op| match op {
                    Op::Append { run, sequence, .. } => seen.insert((*run, *sequence)),
                    Op::Clear { run } => {
                        seen.retain(|(of, _)| of != run);
                        true
                    }
                    _ => true,
                });
            }
            Defect::TakesLarge => ops.iter_mut().for_each(|op| {
                if let Op::Put { key, value, .. } = op {
                    key.truncate(10);
                    value.truncate(10);
                }
            }),
            Defect::TakesAnyName => ops.iter_mut().for_each(|op| {
                let bad =
                    |table: &str| table.is_empty() || table.len() > 64 || !table.chars().all(|c| c.is_ascii_graphic());
                if let Op::Put { table, .. } = op
                    && bad(table)
                {
                    *table = "mended".into();
                }
            }),
            _ => {}
        }
        ops.iter_mut().for_each(|op| match op {
            Op::Append { run, .. } | Op::Clear { run } => *run = self.run(*run),
            Op::Put { table, .. } | Op::Remove { table, .. } => *table = self.table(table).to_owned().into(),
        });
        ops.into_iter().collect()
    }
}

#[checkpoint_store]
impl CheckpointStore for Defective {
    async fn append(&self, run: u64, sequence: u64, row: &[u8]) -> Result<(), CheckpointError> {
        let run = self.run(run);
        let row = if self.is(Defect::CutsRows) { &row[..row.len().min(1000)] } else { row };
        self.arrived.lock().unwrap().push((run, sequence));
        let lsn = self.inner.applied_lsn().await?;
        if self.is(Defect::AppendMovesLsn) {
            self.inner.apply(Batch::new(), Lsn(lsn.0 + 1)).await?;
        }
        match self.inner.append(run, sequence, row).await {
            Err(CheckpointError::DuplicateSequence { .. }) if self.is(Defect::OverwritesRows) => Ok(()),
            answer => answer,
        }
    }

    async fn load_run(&self, run: u64) -> Result<Vec<JournalRow>, CheckpointError> {
        let mut rows = self.inner.load_run(self.run(run)).await?;
        if self.is(Defect::OrderOfArrival) {
            let arrived = self.arrived.lock().unwrap();
            rows.sort_by_key(|row| arrived.iter().position(|(_, sequence)| *sequence == row.sequence));
        }
        Ok(rows)
    }

    async fn clear(&self, run: u64) -> Result<(), CheckpointError> {
        if self.is(Defect::ClearsAll) {
            for run in 0..100 {
                self.inner.clear(run).await?;
            }
        }
        self.inner.clear(self.run(run)).await
    }

    async fn apply(&self, batch: Batch, lsn: Lsn) -> Result<(), CheckpointError> {
        let applied = self.inner.applied_lsn().await?;
        if batch.is_empty() && self.is(Defect::IgnoresEmpty) {
            return Ok(());
        }
        if lsn == applied && self.is(Defect::RefusesSame) {
            return Err(CheckpointError::Stale { applied, lsn });
        }
        let lsn = if self.is(Defect::TakesStale) { lsn.max(applied) } else { lsn };
        let removes_nothing =
            batch.ops().iter().any(|op| matches!(op, Op::Remove { table, .. } if table == "no_such_table"));
        let is_large = |op: &Op| matches!(op, Op::Put { value, .. } if value.len() == 2 << 20);
        if self.is(Defect::RefusesLarge) && batch.ops().iter().any(is_large) {
            return Err(CheckpointError::TooLarge { what: "value", bytes: 2 << 20, limit: 1 << 20 });
        }
        if removes_nothing && self.is(Defect::RefusesToRemoveNothing) {
            return Err(CheckpointError::other("there is no such table"));
        }
        let batch = self.bent(batch);
        if self.is(Defect::NotAtomic) && !batch.is_empty() {
            for op in batch.into_ops() {
                self.inner.apply(Batch::from_iter([op]), lsn).await?;
            }
            return Ok(());
        }
        self.inner.apply(batch, lsn).await
    }

    async fn applied_lsn(&self) -> Result<Lsn, CheckpointError> {
        let applied = self.inner.applied_lsn().await?;
        Ok(if self.is(Defect::StartsAtOne) { applied.max(Lsn(1)) } else { applied })
    }

    async fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, CheckpointError> {
        self.inner.get(self.table(table), key).await
    }

    async fn scan(&self, table: &str, range: KeyRange, limit: usize) -> Result<Vec<TableRow>, CheckpointError> {
        if self.is(Defect::EmptyRangeFails) && range.is_empty() {
            return Err(CheckpointError::other("the range is empty"));
        }
        let table = self.table(table);
        let mut range = range;
        match self.defect {
            Defect::NeverDescends => range.descending = false,
            Defect::EndsExcluded => {
                let excluded = |end: std::ops::Bound<Vec<u8>>| match end {
                    std::ops::Bound::Included(key) => std::ops::Bound::Excluded(key),
                    end => end,
                };
                (range.from, range.to) = (excluded(range.from), excluded(range.to));
            }
            Defect::LimitsBeforeDescending if range.descending => {
                range.descending = false;
                let mut rows = self.inner.scan(table, range, limit).await?;
                rows.reverse();
                return Ok(rows);
            }
            Defect::ShortFirst => {
                let mut rows = self.inner.scan(table, range, usize::MAX).await?;
                rows.sort_by_key(|(key, _)| key.len());
                rows.truncate(limit);
                return Ok(rows);
            }
            _ => {}
        }
        self.inner.scan(table, range, limit).await
    }
}

/// The words of the clause that a store breaks first.
fn breaks(defect: Defect) -> Option<String> {
    let tried = catch_unwind(AssertUnwindSafe(|| now(checkpoint_conformance(async || Defective::with(defect)))));
    tried.err().map(|panic| *panic.downcast::<String>().unwrap())
}

#[test]
fn a_users_store_keeps_the_contract() {
    assert_eq!(breaks(Defect::None), None);
}

#[test]
fn a_store_that_breaks_a_clause_is_told_which() {
    let defects = [
        (Defect::StartsAtOne, "a new store"),
        (Defect::OrderOfArrival, "ascending"),
        (Defect::OverwritesRows, "a sequence that a run has"),
        (Defect::NarrowRuns, "runs are apart"),
        (Defect::ClearsAll, "a run that is cleared"),
        (Defect::AppendMovesLsn, "alone leaves the applied LSN"),
        (Defect::CutsRows, "rows are any bytes"),
        (Defect::ForgetsRemoves, "a batch does all"),
        (Defect::RowsBeforeClears, "in its order"),
        (Defect::NotAtomic, "a batch with a duplicate sequence changes nothing"),
        (Defect::KeepsTheFirstOfTwo, "two rows of one sequence"),
        (Defect::TakesStale, "an LSN below the applied one"),
        (Defect::RefusesSame, "the applied LSN can be applied again"),
        (Defect::IgnoresEmpty, "an empty batch"),
        (Defect::TakesLarge, "too large"),
        (Defect::RefusesLarge, "as large as may be"),
        (Defect::TakesAnyName, "a table's name"),
        (Defect::EmptyIsNone, "the last value"),
        (Defect::RefusesToRemoveNothing, "a key that is removed"),
        (Defect::MixesTables, "tables are apart"),
        (Defect::ShortFirst, "by the bytes of the keys"),
        (Defect::NeverDescends, "descends"),
        (Defect::LimitsBeforeDescending, "at most as many rows"),
        (Defect::EndsExcluded, "both ends"),
        (Defect::EmptyRangeFails, "holds no key"),
    ];
    assert_eq!(defects.len(), CLAUSES.len(), "every clause has a store that breaks it");
    for ((defect, words), clause) in defects.into_iter().zip(CLAUSES) {
        let told = breaks(defect).unwrap_or_else(|| panic!("{defect:?} is not seen"));
        assert!(clause.says.contains(words), "{defect:?} stands beside another clause: {}", clause.says);
        assert!(told.contains(clause.says), "{defect:?} breaks another clause: {told}");
    }
}
