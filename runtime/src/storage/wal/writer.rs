//! The one writer: takes a batch, writes a frame, syncs once, tells who waits.
//! Goes on in segments that the preparer has made, but for those that must be larger.
//!
//! What must always hold: one frame is in flight at a time; none spans
//! segments; a segment is synced before its successor exists; MANIFEST names a
//! segment before the first frame goes into it; after a write or a sync that
//! failed there is no other.

use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::frame::{self, FrameHeader};
use super::queue::Batch;
use super::segment::{self, SegmentHeader};
use super::shared::{Lingered, Shared, Spare, Work};
use crate::id::Lsn;
use crate::platform::Clock;
use crate::storage::StorageError;
use crate::storage::disk::{Disk, DiskFile, Failure};
use crate::storage::manifest::Manifest;

/// How long those who come back are waited for: less than a sync takes. It is the shortest sleep; the system makes it
/// a little longer.
const GATHER: Duration = Duration::from_micros(20);
/// Where nobody waits for the disk, how long a few records wait for more.
const LINGER: Duration = Duration::from_millis(1);

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
    disk: Disk,
    dir: PathBuf,
    manifest: Manifest,
    segment_bytes: u64,
    /// Whether every frame is synced.
    commit: bool,
    tail: Tail,
    /// Whether the tail has frames that are not synced.
    dirty: bool,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
}

impl Writer {
    #[expect(clippy::too_many_arguments, reason = "they are all that it is made of")]
    pub(super) fn new(
        disk: Disk,
        dir: PathBuf,
        manifest: Manifest,
        segment_bytes: u64,
        commit: bool,
        tail: Tail,
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
    ) -> Writer {
        shared.join();
        Writer { disk, dir, manifest, segment_bytes, commit, tail, dirty: false, shared, clock }
    }

    /// Writes until the log is closed or let go.
    pub(super) async fn run(mut self) {
        let mut lingered = Lingered::default();
        loop {
            let work = poll_fn(|cx| self.shared.poll_work(lingered, cx)).await;
            lingered = Lingered::default();
            let done = match work {
                Work::Linger(now) => {
                    lingered = now;
                    self.clock.sleep_alone(if self.commit { GATHER } else { LINGER }).await;
                    Ok(())
                }
                Work::Write { batch, bytes, durable } => self.write(batch, bytes, durable).await,
                Work::Sync => self.sync().map(|()| self.shared.synced()).map_err(Failure::poison),
                Work::Seal { next } => self.rotate(next, 0).await,
                Work::Close { last } => match self.close(last) {
                    Ok(()) => return,
                    Err(failure) => Err(failure.poison()),
                },
                Work::Leave => return,
            };
            if let Err(error) = done {
                // The lock is kept: nobody may build on what the page cache shows until this process has let go.
                self.shared.end(error);
            }
        }
    }

    async fn write(&mut self, mut batch: Batch, bytes: usize, durable: Lsn) -> Result<(), StorageError> {
        let size = frame::padded(bytes) as u64;
        let mut durable_through = durable;
        if self.tail.offset + size > self.tail.header.size {
            self.rotate(batch.first_lsn, size).await?;
            durable_through = Lsn(batch.first_lsn.0 - 1);
        }
        let header = FrameHeader { first_lsn: batch.first_lsn, durable_through, count: batch.count };
        frame::seal(&mut batch.bytes, self.tail.header.salt, header);
        self.tail.file.write_all_at(&batch.bytes, self.tail.offset).map_err(Failure::poison)?;
        self.tail.offset += size;
        self.dirty = true;
        if self.commit {
            self.sync().map_err(Failure::poison)?;
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
    async fn rotate(&mut self, first_lsn: Lsn, size: u64) -> Result<(), StorageError> {
        self.sync().map_err(Failure::poison)?;
        self.shared.synced();
        let size = self.segment_bytes.max(segment::FRAMES_AT as u64 + size);
        let spare = if size == self.segment_bytes {
            let mut asked = false;
            Some(poll_fn(|cx| self.shared.poll_spare(&mut asked, cx)).await?)
        } else {
            None
        };
        let header = SegmentHeader { salt: self.manifest.next_salt, first_lsn, size, uuid: self.manifest.uuid };
        self.begin(header, spare).map_err(Failure::poison)
    }

    fn begin(&mut self, header: SegmentHeader, spare: Option<Spare>) -> Result<(), Failure> {
        self.shared.count_sync();
        let file = match spare {
            Some(Spare(file)) => segment::begin(&self.disk, &self.dir, &header, file)?,
            None => segment::create(&self.disk, &self.dir, &header, &[], None)?,
        };
        self.manifest.next_salt = header.salt + 1;
        self.manifest.newest_segment = header.first_lsn;
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
        if std::thread::panicking() {
            // Nobody is left waiting.
            let source = io::Error::other("the writer panicked");
            self.shared.end(Failure::new("write", self.tail.file.path(), source).poison());
        }
        self.shared.end_writing();
        self.shared.leave();
    }
}
