//! The stores: what they do, and what the one on disk makes of a disk that fails.

mod basic;
mod crash;
mod measure;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use uuid::Uuid;

use super::*;
use crate::platform::sim::{Dice, Fail, FaultFs, MemoryFs};
use crate::platform::{Fs, Open};

const UUID: Uuid = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);
const CACHE: usize = 1 << 20;

/// What a future gives that never waits.
fn now<T>(mut future: BoxFuture<'_, T>) -> T {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

/// A directory in memory, behind doors that can fail.
struct Bench {
    memory: Arc<MemoryFs>,
    fs: Arc<FaultFs>,
}

impl Bench {
    fn new() -> Bench {
        let memory = Arc::new(MemoryFs::default());
        memory.create_dir_all(Path::new("/data")).unwrap();
        memory.sync_dir(Path::new("/")).unwrap();
        let fs = Arc::new(FaultFs::over(memory.clone()));
        Bench { memory, fs }
    }

    fn path() -> PathBuf {
        PathBuf::from("/data/checkpoint.redb")
    }

    fn open(&self) -> Result<RedbCheckpoint, CheckpointError> {
        RedbCheckpoint::open(self.fs.clone(), &Bench::path(), UUID, CACHE)
    }

    /// The file's bytes, as the system shows them.
    fn bytes(&self) -> Vec<u8> {
        let file = self.memory.open(&Bench::path(), Open::Read).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_at(&mut bytes, 0).unwrap();
        bytes
    }

    /// Puts a file with these bytes, and nothing else, on the disk.
    fn holding(bytes: &[u8]) -> Bench {
        let bench = Bench::new();
        let file = bench.memory.open(&Bench::path(), Open::CreateNew).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file.sync_data().unwrap();
        bench.memory.sync_dir(Path::new("/data")).unwrap();
        bench
    }
}

/// All that a store says it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Contents {
    applied: u64,
    journals: Vec<(u64, Vec<JournalRow>)>,
    tables: Vec<(String, Vec<TableRow>)>,
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
