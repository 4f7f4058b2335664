//! The stores: what they do, and what the one on disk makes of a disk that fails.

mod basic;
mod compact;
mod crash;
mod damage;
mod faults;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use uuid::Uuid;

use super::*;
use crate::platform::Fs;
use crate::platform::sim::{Dice, Disk, Fault, Kind, Loss};
use crate::storage::problem::Problem;

const UUID: Uuid = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);
const CACHE: usize = 1 << 20;

/// What a future gives that never waits.
fn now<T>(mut future: BoxFuture<'_, T>) -> T {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

/// A data directory on a simulated disk.
struct Bench {
    disk: Disk,
}

impl Bench {
    fn new() -> Bench {
        Bench::seeded(0)
    }

    fn seeded(seed: u64) -> Bench {
        let disk = Disk::new(seed);
        disk.create_dir_all(Path::new("/data")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        Bench { disk }
    }

    /// A disk that holds one file with these bytes.
    fn holding(bytes: &[u8]) -> Bench {
        let bench = Bench::new();
        bench.disk.raw().write(Bench::path(), bytes);
        bench
    }

    fn path() -> PathBuf {
        PathBuf::from("/data/checkpoint.redb")
    }

    /// Opens the store for the process that lives.
    fn open(&self) -> Result<RedbCheckpoint, CheckpointError> {
        self.open_as(UUID, CACHE)
    }

    fn open_as(&self, uuid: Uuid, cache_bytes: usize) -> Result<RedbCheckpoint, CheckpointError> {
        RedbCheckpoint::open(Arc::new(self.disk.process()), &Bench::path(), uuid, cache_bytes)
    }

    fn verify(&self) -> Vec<Problem> {
        let fs: Arc<dyn Fs> = Arc::new(self.disk.fork());
        verify(&fs, &Bench::path(), UUID)
    }

    /// The file, as it is shown.
    fn bytes(&self) -> Vec<u8> {
        self.disk.raw().read(Bench::path()).unwrap()
    }
}

/// All that a store says it holds.
#[derive(Clone, PartialEq, Eq, Default)]
struct Contents {
    applied: u64,
    journals: Vec<(u64, Vec<JournalRow>)>,
    tables: Vec<(String, Vec<TableRow>)>,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LSN {}, journals", self.applied)?;
        for (run, rows) in &self.journals {
            let rows: Vec<_> = rows.iter().map(|row| (row.sequence, row.row.len(), row.row.first())).collect();
            write!(f, " {run} {rows:?}")?;
        }
        for (name, rows) in &self.tables {
            let rows: Vec<_> = rows.iter().map(|(key, value)| (key, value.len(), value.first())).collect();
            write!(f, ", {name} {rows:?}")?;
        }
        Ok(())
    }
}

fn contents(store: &dyn CheckpointStore) -> Result<Contents, CheckpointError> {
    let mut all = Contents { applied: now(store.applied_lsn())?.0, ..Contents::default() };
    for run in 1..=4 {
        all.journals.push((run, now(store.load_run(run))?));
    }
    for table in ["runs", "timers"] {
        all.tables.push((table.to_owned(), now(store.scan(table, KeyRange::all(), usize::MAX))?));
    }
    Ok(all)
}

/// The `n`th batch of a workload: rows come, change and go, small ones and large ones.
fn batch(n: u64) -> Batch {
    let mut batch = Batch::new();
    let run = n % 4 + 1;
    if n.is_multiple_of(5) {
        batch.clear(run);
    }
    for row in 0..n % 3 + 1 {
        batch.append(run, n * 10 + row, vec![n as u8; 30 + 700 * (n % 7) as usize]);
    }
    batch.put("runs", run.to_be_bytes(), vec![n as u8; 100]);
    batch.put("timers", n.to_be_bytes(), vec![n as u8; if n.is_multiple_of(6) { 20_000 } else { 10 }]);
    if n > 3 {
        batch.remove("timers", (n - 3).to_be_bytes());
    }
    batch
}

/// What a store holds after each of the first `n` batches, from none on.
fn histories(n: u64) -> Vec<Contents> {
    let store = MemoryCheckpoint::new();
    let mut histories = vec![contents(&store).unwrap()];
    for n in 1..=n {
        now(store.apply(batch(n), Lsn(n * 100))).unwrap();
        histories.push(contents(&store).unwrap());
    }
    histories
}
