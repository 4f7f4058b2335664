//! What the machine can do without an engine: the limits that rows are compared with.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// The bytes of one record of the bare group commit.
const RECORD: usize = 256;
/// The bytes of a block of a file system.
const BLOCK: usize = 4096;

/// A file of so many bytes of zeros, on disk.
fn preallocated(path: &Path, bytes: u64) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
    let zeros = vec![0; 1 << 20];
    let mut at = 0;
    while at < bytes {
        file.write_all_at(&zeros, at)?;
        at += zeros.len() as u64;
    }
    file.sync_all()?;
    Ok(file)
}

/// The median time of an append of one block with its `fdatasync`.
pub(crate) fn sync_loop(dir: &Path, times: usize) -> io::Result<Duration> {
    let path = dir.join("sync");
    let file = preallocated(&path, (times * BLOCK).next_multiple_of(1 << 20) as u64)?;
    let block = [1; BLOCK];
    let mut taken = Vec::with_capacity(times);
    for i in 0..times {
        let began = Instant::now();
        file.write_all_at(&block, (i * BLOCK) as u64)?;
        file.sync_data()?;
        taken.push(began.elapsed());
    }
    std::fs::remove_file(path)?;
    taken.sort_unstable();
    Ok(taken[times / 2])
}

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    waiting: Vec<oneshot::Sender<()>>,
    closed: bool,
}

/// One writer thread that syncs whatever has been queued.
#[derive(Default)]
struct Bare {
    queue: Mutex<Queue>,
    some: Condvar,
}

impl Bare {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, file: &File, room: u64) -> io::Result<()> {
        let (mut bytes, mut waiting, mut at) = (Vec::new(), Vec::new(), 0);
        loop {
            {
                let mut queue = self.lock();
                while queue.waiting.is_empty() {
                    if queue.closed {
                        return Ok(());
                    }
                    queue = self.some.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
                std::mem::swap(&mut queue.bytes, &mut bytes);
                std::mem::swap(&mut queue.waiting, &mut waiting);
            }
            bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
            if at + bytes.len() as u64 > room {
                at = 0;
            }
            file.write_all_at(&bytes, at)?;
            file.sync_data()?;
            at += bytes.len() as u64;
            bytes.clear();
            for waiter in waiting.drain(..) {
                let _: Result<(), ()> = waiter.send(());
            }
        }
    }

    fn append(&self, record: &[u8; RECORD]) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        let first = {
            let mut queue = self.lock();
            queue.bytes.extend_from_slice(record);
            queue.waiting.push(done);
            queue.waiting.len() == 1
        };
        if first {
            self.some.notify_one();
        }
        wait
    }

    fn close(&self) {
        self.lock().closed = true;
        self.some.notify_one();
    }
}

/// Records a second, of so many tasks that each wait for every record of theirs.
pub(crate) async fn group_commit(dir: &Path, tasks: usize, each: usize) -> io::Result<f64> {
    const ROOM: u64 = 64 << 20;
    let path = dir.join("bare");
    let file = preallocated(&path, ROOM)?;
    let bare = Arc::new(Bare::default());
    let writer = std::thread::spawn({
        let bare = bare.clone();
        move || bare.write(&file, ROOM)
    });
    let began = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let bare = bare.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    bare.append(&[7; RECORD]).await.map_err(io::Error::other)?;
                }
                Ok::<(), io::Error>(())
            })
        })
        .collect();
    let count = tasks.len() * each;
    for task in tasks {
        task.await.map_err(io::Error::other)??;
    }
    let taken = began.elapsed();
    bare.close();
    writer.join().map_err(|_| io::Error::other("the writer has panicked"))??;
    std::fs::remove_file(path)?;
    Ok(count as f64 / taken.as_secs_f64())
}

/// The time of one buffered append of a record, with its CRC-32.
pub(crate) fn buffered(dir: &Path, count: usize) -> io::Result<Duration> {
    use std::io::Write;
    let path = dir.join("buffered");
    let mut file = io::BufWriter::with_capacity(64 << 10, File::create(&path)?);
    let record = [7; RECORD];
    let began = Instant::now();
    for _ in 0..count {
        let crc = crc32fast::hash(std::hint::black_box(&record));
        file.write_all(&crc.to_le_bytes())?;
        file.write_all(&record)?;
    }
    file.flush()?;
    let taken = began.elapsed();
    std::fs::remove_file(path)?;
    Ok(taken / count as u32)
}

/// Bytes a second of blocks that are written one after the other, with an `fdatasync` after so many, into a file of
/// zeros that is on disk: no sync has a length or an extent to commit.
pub(crate) fn sequential(dir: &Path, block: &[u8], blocks: usize, a_sync: usize) -> io::Result<f64> {
    let path = dir.join("sequential");
    let file = preallocated(&path, (block.len() * blocks) as u64)?;
    let began = Instant::now();
    for i in 0..blocks {
        file.write_all_at(block, (i * block.len()) as u64)?;
        if (i + 1) % a_sync == 0 || i + 1 == blocks {
            file.sync_data()?;
        }
    }
    let taken = began.elapsed();
    std::fs::remove_file(path)?;
    Ok((block.len() * blocks) as f64 / taken.as_secs_f64())
}
