//! The arena over a disk that can fail, wait, tell and crash.

mod collect;
mod content;
mod crash;
mod damage;
#[cfg(feature = "encrypt")]
mod encrypted;
mod failing;
mod faults;
mod found;
mod live;
mod model;
mod real_disk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::faults::{Break, FaultyFs, Kind, PATIENCE};
use super::segment::SegmentHeader;
use super::*;
use crate::platform::sim::{Dice, Disk};
use crate::platform::{BoxFuture, Fs, Open, TaskHandle, ThreadHandle, real};

/// The smallest segments, so that a test needs few blobs to fill one.
const SEGMENT: u64 = MIN_SEGMENT;
const UUID: Uuid = Uuid::from_u128(0x1234);

/// Runs the threads as tasks of the test's own thread: one seed, one order.
#[derive(Debug)]
struct OneThread(tokio::runtime::Handle);

impl Exec for OneThread {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> TaskHandle {
        let abort = self.0.spawn(task).abort_handle();
        TaskHandle::new(move || abort.abort())
    }

    fn spawn_thread(&self, _: &str, work: BoxFuture<'static, ()>) -> io::Result<ThreadHandle> {
        let ended = self.0.spawn(work);
        Ok(Box::pin(async move { drop(ended.await) }))
    }
}

/// A directory, and doors that lead to a disk that can fail.
struct Bench {
    dir: PathBuf,
    /// The disk below the faults, if it is one in memory.
    memory: Arc<Disk>,
    fs: Arc<FaultyFs>,
    platform: Platform,
}

impl Bench {
    /// In memory, in one thread.
    fn new() -> Bench {
        let mut bench = Bench::threaded();
        bench.platform.exec = Arc::new(OneThread(tokio::runtime::Handle::current()));
        bench
    }

    /// In memory, with threads.
    fn threaded() -> Bench {
        let memory = Arc::new(Disk::default());
        Bench::over(PathBuf::from("/data"), memory.clone(), |_| memory)
    }

    /// On the disk of this machine, in `dir`.
    fn on_disk(dir: &Path) -> Bench {
        Bench::over(dir.to_owned(), Arc::default(), |real| real)
    }

    fn over(dir: PathBuf, memory: Arc<Disk>, below: impl FnOnce(Arc<dyn Fs>) -> Arc<dyn Fs>) -> Bench {
        let mut platform = real::platform().unwrap();
        let fs = Arc::new(FaultyFs::over(below(platform.fs.clone())));
        platform.fs = fs.clone();
        // As the log does before the arena is opened.
        fs.create_dir_all(&dir).unwrap();
        fs.sync_dir(Path::new("/")).unwrap();
        Bench { dir, memory, fs, platform }
    }

    fn open_with(&self, known: Vec<BlobAt>) -> Result<Arena, StorageError> {
        Arena::open(&self.platform, &self.dir, UUID, ArenaConfig { segment_bytes: SEGMENT }, known)
    }

    fn open(&self) -> Arena {
        self.open_with(Vec::new()).unwrap()
    }

    fn segment(&self, number: u64) -> PathBuf {
        segment::path(&self.dir, number)
    }

    /// The numbers of the segments that are there.
    fn segments(&self) -> Vec<u64> {
        let paths = self.platform.fs.read_dir(&self.dir.join(segment::DIR)).unwrap();
        let name = |path: &PathBuf| segment::parse_name(path.file_name().unwrap().to_str().unwrap());
        let number = |path: &PathBuf| match name(path) {
            Some(segment::Name::Segment(number)) => Some(number),
            _ => None,
        };
        let mut numbers: Vec<u64> = paths.iter().filter_map(number).collect();
        numbers.sort();
        numbers
    }

    fn read(&self, path: &Path) -> Vec<u8> {
        let file = self.platform.fs.open(path, Open::Read).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
        bytes
    }

    /// Makes a file anew.
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

fn source(bytes: &[u8]) -> Source {
    Box::new(bytes.to_vec())
}

async fn put(arena: &Arena, bytes: &[u8]) -> Blob {
    arena.put(source(bytes), 0).await.unwrap()
}
