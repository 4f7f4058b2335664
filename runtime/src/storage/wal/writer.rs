//! The one writer: takes a batch, writes a frame, syncs once, tells who waits.
//!
//! What must always hold: one frame is in flight at a time; none spans
//! segments; a segment is synced before its successor exists; MANIFEST names a
//! segment before the first frame goes into it; after a write or a sync that
//! failed there is no other.

use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{self, FrameHeader};
use super::queue::Batch;
use super::segment::{self, SegmentHeader};
use super::shared::{Shared, Work};
use crate::id::Lsn;
use crate::platform::LockGuard;
use crate::storage::StorageError;
use crate::storage::disk::{Disk, DiskFile, Failure};
use crate::storage::manifest::Manifest;

/// A segment that frames can be written to.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) file: DiskFile,
    pub(super) header: SegmentHeader,
    /// Where the next frame goes.
    pub(super) offset: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) disk: Disk,
    pub(super) dir: PathBuf,
    pub(super) manifest: Manifest,
    pub(super) segment_bytes: u64,
    /// Whether every frame is synced.
    pub(super) commit: bool,
    pub(super) tail: Tail,
    /// Whether the tail has frames that are not synced.
    pub(super) dirty: bool,
    pub(super) lock: Option<LockGuard>,
    pub(super) shared: Arc<Shared>,
}

impl Writer {
    /// Writes until the log is closed or let go.
    pub(super) async fn run(mut self) {
        loop {
            let done = match poll_fn(|cx| self.shared.poll_work(cx)).await {
                Work::Write { batch, bytes, durable } => self.write(batch, bytes, durable),
                Work::Sync => self.sync().map(|()| self.shared.synced()),
                Work::Seal { next } => self.rotate(next, 0),
                Work::Retire(old) => self.disk.remove(&old.path),
                Work::Close { last } => match self.close(last) {
                    Ok(()) => {
                        self.lock = None;
                        self.shared.end(StorageError::Closed);
                        return;
                    }
                    Err(failure) => Err(failure),
                },
                Work::Leave => return,
            };
            if let Err(failure) = done {
                // The lock is kept: nobody may build on what the page cache shows until this process has let go.
                self.shared.end(failure.poison());
            }
        }
    }

    fn write(&mut self, mut batch: Batch, bytes: usize, durable: Lsn) -> Result<(), Failure> {
        let size = frame::padded(bytes) as u64;
        let mut durable_through = durable;
        if self.tail.offset + size > self.tail.header.size {
            self.rotate(batch.first_lsn, size)?;
            durable_through = Lsn(batch.first_lsn.0 - 1);
        }
        let header = FrameHeader { first_lsn: batch.first_lsn, durable_through, count: batch.count };
        frame::seal(&mut batch.bytes, self.tail.header.salt, header);
        self.tail.file.write_all_at(&batch.bytes, self.tail.offset)?;
        self.tail.offset += size;
        self.dirty = true;
        if self.commit {
            self.sync()?;
        }
        self.shared.finished(batch, bytes, self.commit);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Failure> {
        if self.dirty {
            self.shared.count_sync();
            self.tail.file.sync_data()?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Goes on in a new segment that starts at `first_lsn` and has room for a frame of `size`.
    fn rotate(&mut self, first_lsn: Lsn, size: u64) -> Result<(), Failure> {
        self.sync()?;
        self.shared.synced();
        let salt = self.manifest.next_salt;
        let size = self.segment_bytes.max(segment::FRAMES_AT as u64 + size);
        let header = SegmentHeader { salt, first_lsn, size, uuid: self.manifest.uuid };
        self.shared.count_sync();
        let file = segment::create(&self.disk, &self.dir, &header, &[])?;
        self.manifest.next_salt = salt + 1;
        self.manifest.newest_segment = first_lsn;
        self.manifest.store(&self.disk, &self.dir)?;
        self.shared.rotated(header.live(file.path().to_owned()));
        self.tail = Tail { file, header, offset: segment::FRAMES_AT as u64 };
        Ok(())
    }

    fn close(&mut self, last: Lsn) -> Result<(), Failure> {
        self.sync()?;
        self.shared.synced();
        self.manifest.closed = Some(last);
        self.manifest.store(&self.disk, &self.dir)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.lock = None;
        // Nothing changes for a log that has ended; one whose writer panicked must not leave anybody waiting.
        self.shared.end(if std::thread::panicking() {
            let source = io::Error::other("the writer panicked");
            Failure::new("write", self.tail.file.path(), source).poison()
        } else {
            StorageError::Closed
        });
        self.shared.gone();
    }
}
