//! The queue of the group commit under thousands of orders of its threads: no wake-up is lost (a scheduler that finds
//! everybody waiting fails the test), nothing is acknowledged before its sync, and the end reaches everybody.

use std::io;
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, Runner};

use super::*;
use crate::platform::{Clock, Entropy, Exec, File, LockGuard, Map, TaskHandle, ThreadHandle, Timestamp};
use crate::storage::bytes::{u32_at, u64_at};
use crate::storage::wal::sync::scheduled;

/// A disk in memory whose writes and syncs take time, and which knows what is durable.
#[derive(Debug)]
struct Spy {
    memory: Disk,
    medium: Arc<shuttle::sync::Mutex<Medium>>,
}

#[derive(Debug, Default)]
struct Medium {
    /// The last LSN in a frame that was synced.
    durable: u64,
    /// How many syncs of frames are still to go well, if one is to fail.
    fails_after: Option<u32>,
    has_failed: bool,
}

#[derive(Debug)]
struct SpyFile {
    file: Arc<dyn File>,
    /// The last LSN in a frame that was written.
    written: std::sync::Mutex<u64>,
    medium: Arc<shuttle::sync::Mutex<Medium>>,
}

impl File for SpyFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let is_frame = offset >= BLOCK as u64 && buf.len() >= frame::FRAME_HEADER && u32_at(buf, 4) > 0;
        if is_frame {
            assert!(!self.medium.lock().unwrap().has_failed, "a frame is written after a sync that failed");
            *self.written.lock().unwrap() = u64_at(buf, 16) + u64::from(u32_at(buf, 32)) - 1;
        }
        self.file.write_all_at(buf, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }

    fn map(&self, len: u64) -> io::Result<Arc<dyn Map>> {
        self.file.map(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let written = *self.written.lock().unwrap();
        // Between these two, others have their turns.
        drop(self.medium.lock().unwrap());
        let mut medium = self.medium.lock().unwrap();
        if written == 0 {
            return Ok(());
        }
        assert!(!medium.has_failed, "a sync is tried again");
        match &mut medium.fails_after {
            Some(0) => {
                medium.has_failed = true;
                return Err(io::Error::other("failed on command"));
            }
            Some(n) => *n -= 1,
            None => {}
        }
        medium.durable = medium.durable.max(written);
        Ok(())
    }
}

impl Fs for Spy {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.memory.create_dir_all(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.memory.read_dir(path)
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let file = self.memory.open(path, how)?;
        Ok(Arc::new(SpyFile { file, written: std::sync::Mutex::new(0), medium: self.medium.clone() }))
    }

    fn available(&self, path: &Path) -> io::Result<u64> {
        self.memory.available(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.memory.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.memory.remove(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.memory.sync_dir(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>> {
        self.memory.lock(path)
    }
}

/// Threads and tasks are the scheduler's; nothing else is asked for.
#[derive(Debug)]
struct Doors;

impl Exec for Doors {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> TaskHandle {
        let task = shuttle::future::spawn(task);
        TaskHandle::new(move || task.abort())
    }

    fn spawn_thread(&self, _: &str, work: BoxFuture<'static, ()>) -> io::Result<ThreadHandle> {
        shuttle::thread::spawn(move || shuttle::future::block_on(work));
        Ok(Box::pin(async {}))
    }
}

impl Clock for Doors {
    fn wall(&self) -> Timestamp {
        Timestamp(0)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(shuttle::future::yield_now())
    }
}

impl Entropy for Doors {
    fn fill(&self, _: &mut [u8]) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone)]
struct World {
    wal: Wal,
    medium: Arc<shuttle::sync::Mutex<Medium>>,
}

impl World {
    fn open(config: WalConfig) -> World {
        let medium = Arc::new(shuttle::sync::Mutex::new(Medium::default()));
        let fs = Arc::new(Spy { memory: Disk::default(), medium: medium.clone() });
        let platform = Platform { fs, clock: Arc::new(Doors), entropy: Arc::new(Doors), exec: Arc::new(Doors) };
        let data = DataDir::open(&platform, Path::new("/data")).unwrap();
        let (wal, _) = Wal::open(&platform, data, config, Lsn(0), &mut Keep::default()).unwrap();
        World { wal, medium }
    }

    fn append(&self, size: usize) -> Result<Lsn, StorageError> {
        self.wal.append(|group| group.record(1, 1, 1, |body| body.resize(body.len() + size, 7)))
    }

    /// Waits for a record, and sees that it is on the disk once that is said.
    async fn durable(&self, lsn: Lsn) -> Result<(), StorageError> {
        self.wal.durable(lsn).await?;
        let durable = self.medium.lock().unwrap().durable;
        assert!(lsn.0 <= durable, "LSN {lsn} is acknowledged, and {durable} is on the disk");
        Ok(())
    }
}

/// A thread that runs `work` to its end.
fn spawn<F: Future<Output = ()> + 'static>(
    world: &World,
    work: impl FnOnce(World) -> F + Send + 'static,
) -> shuttle::thread::JoinHandle<()> {
    let world = world.clone();
    shuttle::thread::spawn(move || shuttle::future::block_on(work(world)))
}

/// Runs `test` under many orders of its threads.
fn check(test: fn()) {
    let config = || {
        let mut config = Config::default();
        config.stack_size = 256 << 10;
        config.failure_persistence = FailurePersistence::None;
        config
    };
    scheduled::with(|| {
        Runner::new(RandomScheduler::new_from_seed(1, 300), config()).run(test);
        Runner::new(PctScheduler::new_from_seed(2, 3, 300), config()).run(test);
    });
}

fn ended(result: Result<(), StorageError>) -> bool {
    match result {
        Ok(()) => false,
        Err(StorageError::Closed | StorageError::Poisoned { .. }) => true,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn in_every_order_each_record_is_acknowledged_and_after_its_sync() {
    check(|| {
        let world = World::open(config());
        let threads = [10, 20, 30].map(|size| {
            spawn(&world, move |world| async move {
                for _ in 0..2 {
                    let lsn = world.append(size).unwrap();
                    world.durable(lsn).await.unwrap();
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(world.medium.lock().unwrap().durable, 6);
    });
}

#[test]
fn in_every_order_a_failed_sync_reaches_everybody_and_nothing_is_acknowledged_after_it() {
    check(|| {
        let world = World::open(config());
        let fails_after = shuttle::rand::Rng::gen_range(&mut shuttle::rand::thread_rng(), 0..3);
        world.medium.lock().unwrap().fails_after = Some(fails_after);
        let mut threads: Vec<_> = (0..2)
            .map(|_| {
                spawn(&world, |world| async move {
                    while !ended(match world.append(10) {
                        Ok(lsn) => world.durable(lsn).await,
                        Err(error) => Err(error),
                    }) {}
                })
            })
            .collect();
        // Nobody appends these: only the end of the log ends the waits.
        threads.push(spawn(&world, |world| async move { assert!(ended(world.wal.durable(Lsn(1000)).await)) }));
        threads.push(spawn(&world, |world| async move { assert!(ended(world.wal.sealed(Lsn(1000)).await.map(drop))) }));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(matches!(shuttle::future::block_on(world.wal.close()), Err(StorageError::Poisoned { .. })));
        assert!(matches!(shuttle::future::block_on(world.wal.room()), Err(StorageError::Poisoned { .. })));
    });
}

#[test]
fn in_every_order_an_end_that_another_part_has_brought_about_reaches_everybody() {
    check(|| {
        let world = World::open(config());
        let lsn = world.append(10).unwrap();
        // This one may have come about before.
        let mut threads = vec![spawn(&world, move |world| async move { drop(world.durable(lsn).await) })];
        threads.push(spawn(&world, |world| async move { assert!(ended(world.wal.durable(Lsn(1000)).await)) }));
        threads.push(spawn(&world, |world| async move {
            let source = Arc::new(io::Error::other("on command"));
            world.wal.poison(StorageError::Poisoned { operation: "apply", path: PathBuf::new(), source });
        }));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn in_every_order_room_is_told_of() {
    check(|| {
        let world = World::open(WalConfig { queue_bytes: 100, ..config() });
        let threads = [0, 1, 2].map(|_| {
            spawn(&world, |world| async move {
                for _ in 0..2 {
                    world.wal.room().await.unwrap();
                    world.append(90).unwrap();
                }
                world.wal.room().await.unwrap();
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn in_every_order_a_seal_ends_and_has_what_was_appended_before() {
    check(|| {
        let world = World::open(config());
        let threads = [0, 1].map(|_| {
            spawn(&world, |world| async move {
                let lsn = world.append(10).unwrap();
                let sealed = world.wal.seal().await.unwrap();
                assert!(sealed >= lsn);
                world.durable(sealed).await.unwrap();
                world.wal.retire(sealed);
            })
        });
        let waits = spawn(&world, |world| async move {
            assert!(world.wal.sealed(Lsn(1)).await.unwrap() >= Lsn(2));
        });
        threads.into_iter().chain([waits]).for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn in_every_order_a_close_ends_with_whatever_else_goes_on() {
    check(|| {
        let world = World::open(config());
        let first = world.append(10).unwrap();
        let mut threads = vec![spawn(&world, |world| async move { world.wal.close().await.unwrap() })];
        threads.push(spawn(&world, |world| async move { drop(world.wal.seal().await) }));
        threads.push(spawn(&world, |world| async move {
            if let Ok(lsn) = world.append(10) {
                world.durable(lsn).await.unwrap();
            }
        }));
        threads.push(spawn(&world, move |world| async move { world.durable(first).await.unwrap() }));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(matches!(world.append(1), Err(StorageError::Closed)));
    });
}

#[test]
fn in_every_order_a_full_segment_is_followed_by_a_spare_and_a_dropped_log_lets_go() {
    check(|| {
        let world = World::open(config());
        let threads = [0, 1].map(|_| {
            spawn(&world, |world| async move {
                let lsn = world.append(40_000).unwrap();
                world.durable(lsn).await.unwrap();
                world.wal.retire(Lsn(lsn.0 - 1));
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let World { wal, medium } = world;
        shuttle::future::block_on(wal.abandon());
        assert_eq!(medium.lock().unwrap().durable, 2);
    });
}
