//! The preparer: makes segments ahead, of retired ones if it can, so that the
//! writer never fills one and a disk that is full leaves a reserve.
//!
//! What must always hold: a file is no segment any more, by a name that is
//! durable, before a byte of it changes; a spare is zeros from end to end and
//! synced. A failure is the end of the log, unless there is only no space.

use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::segment::{self, DIR};
use super::shared::{Prepare, Retired, Shared, Spare};
use crate::storage::disk::{Disk, DiskFile, Failure};

/// How many files wait to be filled; beyond that they are removed.
const KEPT: usize = 1;

/// See the module.
#[derive(Debug)]
pub(super) struct Preparer {
    disk: Disk,
    dir: PathBuf,
    segment_bytes: u64,
    /// Files to fill again, and how far they are not zeros.
    used: Vec<(DiskFile, u64)>,
    /// The number of the next file.
    next: u64,
    shared: Arc<Shared>,
}

impl Preparer {
    /// `free` are the files of the usual size that were found, `next` is above their numbers.
    pub(super) fn new(
        disk: Disk,
        dir: PathBuf,
        segment_bytes: u64,
        free: Vec<DiskFile>,
        next: u64,
        shared: Arc<Shared>,
    ) -> Preparer {
        shared.join();
        let used = free.into_iter().map(|file| (file, segment_bytes)).collect();
        Preparer { disk, dir, segment_bytes, used, next, shared }
    }

    /// Prepares until the writer has ended.
    pub(super) async fn run(mut self) {
        loop {
            let done = match poll_fn(|cx| self.shared.poll_prepare(cx)).await {
                Prepare::Retire(old) => self.retire(old),
                Prepare::Refill { missing } => self.refill(missing),
                Prepare::Leave => return,
            };
            if let Err(failure) = done {
                self.shared.end(failure.poison());
            }
        }
    }

    fn retire(&mut self, old: Retired) -> Result<(), Failure> {
        let Retired { segment, end } = old;
        if segment.size == self.segment_bytes && self.used.len() < KEPT {
            let mut file = self
                .disk
                .edit_if_there(&segment.path)?
                .ok_or_else(|| Failure::new("open", &segment.path, io::Error::from(io::ErrorKind::NotFound)))?;
            let free = self.free_name();
            self.disk.rename(&mut file, free)?;
            self.disk.sync_dir(&self.dir.join(DIR))?;
            self.used.push((file, end));
        } else {
            // If a crash brings it back, the next open finds that the checkpoint has all of it.
            self.disk.remove(&segment.path)?;
        }
        self.shared.retry_space();
        Ok(())
    }

    fn free_name(&mut self) -> PathBuf {
        let path = segment::free_path(&self.dir, self.next);
        self.next += 1;
        path
    }

    fn refill(&mut self, missing: bool) -> Result<(), Failure> {
        let made = match if missing { self.make() } else { Ok(None) } {
            Err(failure) if !failure.is_full() => return Err(failure),
            made => made,
        };
        // What is in a full log goes into the checkpoint next, and needs about as much.
        let scarce = self.disk.available(&self.dir).is_some_and(|bytes| bytes < self.segment_bytes);
        self.shared.refilled(made, scarce);
        Ok(())
    }

    /// Makes a spare; none when the log is about to end.
    fn make(&mut self) -> Result<Option<Spare>, Failure> {
        let (file, used) = match self.used.pop() {
            Some(used) => used,
            None => {
                let path = self.free_name();
                let file = self.disk.create(&path)?;
                (file, self.segment_bytes)
            }
        };
        match self.fill(&file, used) {
            Ok(true) => Ok(Some(Spare(file))),
            Ok(false) => Ok(None),
            Err(failure) => {
                if failure.is_full() {
                    // The last space is better left to what is smaller.
                    self.disk.remove(file.path())?;
                }
                Err(failure)
            }
        }
    }

    /// Fills a file with zeros up to `used` and to the size of a segment; false if it is not needed any more.
    fn fill(&self, file: &DiskFile, used: u64) -> Result<bool, Failure> {
        file.allocate(self.segment_bytes)?;
        let mut from = 0;
        while from < used {
            if self.shared.is_over() {
                return Ok(false);
            }
            from = segment::zero(file, from, used)?;
        }
        file.sync_data()?;
        Ok(true)
    }
}

impl Drop for Preparer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let source = io::Error::other("the preparer panicked");
            self.shared.end(Failure::new("prepare a segment of", &self.dir, source).poison());
        }
        self.shared.leave();
    }
}
