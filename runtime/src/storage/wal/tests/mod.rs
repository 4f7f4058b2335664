//! The log over a disk that can fail, wait, tell and crash.

mod backup;
mod checkpoint;
mod crash;
mod damage;
mod format;
mod found;
mod lanes;
mod live;
mod order;
mod recovery;
mod scanner;
mod schedules;
mod spares;
mod traps;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::GROUP_CONTINUES;
use super::shared::SPARES;
use super::*;
use crate::platform::sim::{Dice, Disk, Fail, Loss, Op, PATIENCE, Sim};
use crate::platform::{Fs, Open, real};
use crate::storage::manifest::Manifest;

/// The smallest segments, so that a test needs few records to fill one.
const SEGMENT: u64 = MIN_SEGMENT;

fn config() -> WalConfig {
    WalConfig { segment_bytes: SEGMENT, queue_bytes: 1 << 20, durability: Durability::Commit }
}

/// A record as it was replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    lsn: u64,
    kind: u8,
    flags: u8,
    run: u64,
    time: i64,
    body: Vec<u8>,
}

impl Seen {
    fn of(lsn: Lsn, record: &RawRecord<'_>) -> Seen {
        let RawRecord { kind, flags, run, time, body } = *record;
        Seen { lsn: lsn.0, kind, flags, run, time, body: body.to_vec() }
    }
}

/// Keeps what is replayed, and refuses kind 255.
#[derive(Debug, Default)]
struct Keep(Vec<Seen>);

impl Replay for Keep {
    fn lanes(&mut self) -> Vec<&mut dyn Lane> {
        vec![self]
    }
}

impl Lane for Keep {
    fn record(&mut self, lsn: Lsn, record: &RawRecord<'_>) -> Result<(), ReplayError> {
        if record.kind == 255 {
            return Err(ReplayError::new("kind 255 is unknown"));
        }
        self.0.push(Seen::of(lsn, record));
        Ok(())
    }
}

/// An open log and what was replayed into it.
#[derive(Debug)]
struct Opened {
    wal: Wal,
    report: OpenReport,
    seen: Vec<Seen>,
}

/// A directory, and doors that lead to a disk that can fail.
struct Bench {
    dir: PathBuf,
    /// The disk below the faults, if it is one in memory.
    memory: Arc<Disk>,
    fs: Arc<Disk>,
    platform: Platform,
}

impl Bench {
    /// In memory.
    fn new() -> Bench {
        let memory = Arc::new(Disk::default());
        let disk = memory.clone();
        Bench::over(PathBuf::from("/data"), memory, |_| disk)
    }

    /// On the disk of this machine, below `temp`.
    fn on_disk(temp: &Path) -> Bench {
        Bench::over(temp.join("some/data"), Arc::default(), |real| real)
    }

    fn over(dir: PathBuf, memory: Arc<Disk>, below: impl FnOnce(Arc<dyn Fs>) -> Arc<dyn Fs>) -> Bench {
        let mut platform = real::platform().unwrap();
        platform.fs = below(platform.fs);
        Bench { dir, fs: memory.clone(), memory, platform }
    }

    fn open_with(&self, config: WalConfig) -> Result<Opened, StorageError> {
        self.open_after(config, Lsn(0))
    }

    /// Opens the log with a checkpoint that has everything up to `applied`.
    fn open_after(&self, config: WalConfig, applied: Lsn) -> Result<Opened, StorageError> {
        let mut keep = Keep::default();
        let data = DataDir::open(&self.platform, &self.dir)?;
        let (wal, report) = Wal::open(&self.platform, data, config, applied, &mut keep)?;
        Ok(Opened { wal, report, seen: keep.0 })
    }

    fn open(&self) -> Result<Opened, StorageError> {
        self.open_with(config())
    }

    /// Opens the log, expects an error, and gives it.
    fn refused(&self) -> StorageError {
        match self.open() {
            Ok(opened) => panic!("the log was opened: {:?}", opened.report),
            Err(error) => error,
        }
    }

    /// A log with a record for each body, each in a frame of its own, not closed.
    async fn with_frames(bodies: &[&[u8]]) -> Bench {
        let bench = Bench::new();
        let opened = bench.open().unwrap();
        for body in bodies {
            let lsn = put(&opened.wal, body);
            opened.wal.durable(lsn).await.unwrap();
        }
        opened.wal.abandon().await;
        bench
    }

    async fn close(&self) {
        self.open().unwrap().wal.close().await.unwrap();
    }

    fn segment(&self, first: u64) -> PathBuf {
        segment::path(&self.dir, Lsn(first))
    }

    fn manifest(&self) -> PathBuf {
        self.dir.join("MANIFEST")
    }

    fn segments(&self) -> Vec<PathBuf> {
        let mut paths = self.platform.fs.read_dir(&self.dir.join("wal")).unwrap();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
        paths.sort();
        paths
    }

    fn read(&self, path: &Path) -> Vec<u8> {
        let file = self.platform.fs.open(path, Open::Read).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
        bytes
    }

    fn write(&self, path: &Path, bytes: &[u8]) {
        if self.platform.fs.open(path, Open::Read).is_ok() {
            self.platform.fs.remove(path).unwrap();
        }
        self.platform.fs.open(path, Open::CreateNew).unwrap().write_all_at(bytes, 0).unwrap();
    }

    fn change(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.read(path);
        change(&mut bytes);
        self.write(path, &bytes);
    }
}

/// Appends one record.
fn put(wal: &Wal, body: &[u8]) -> Lsn {
    wal.append(|group| group.record(7, 3, -5, |bytes| bytes.extend_from_slice(body))).unwrap()
}

fn bodies(seen: &[Seen]) -> Vec<&[u8]> {
    seen.iter().map(|record| record.body.as_slice()).collect()
}

fn scanned(wal: &Wal) -> Vec<Seen> {
    read(wal, wal.oldest_lsn(), Lsn(u64::MAX)).unwrap()
}

fn read(wal: &Wal, from: Lsn, through: Lsn) -> Result<Vec<Seen>, StorageError> {
    let mut seen = Vec::new();
    wal.read(from, through, &mut |lsn, record| {
        seen.push(Seen::of(lsn, record));
        ControlFlow::Continue(())
    })?;
    Ok(seen)
}
