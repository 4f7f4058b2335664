//! A lane: the thread that writes blobs of one kind, syncs once for all that wait, and tells them.
//!
//! What must always hold: a blob is told only after the sync that followed its write; after a write or a sync that
//! failed its segment is not written again, and nothing of it that was not told before is ever told. What one sync
//! covers starts at a block of its own, so that no interrupted write touches what was synced.

use std::borrow::Cow;
use std::future::poll_fn;
use std::mem;
use std::path::Path;
use std::sync::Arc;

use super::header::{self, HEADER};
use super::job::{Answer, Job, Reply, Stored, What, tell};
use super::read::{self, Check, Show};
use super::segment::{self, BLOCK, SegmentHeader};
use super::shared::{Shared, Which};
use crate::codec::{BlobAt, Digest};
use crate::platform::LockGuard;
use crate::storage::StorageError;
use crate::storage::crypt::Cipher;
use crate::storage::disk::{DiskFile, Failure};

/// What is synced at the latest when this much was written.
const GROUP: u64 = 8 << 20;
/// A blob up to here is copied behind its header and written together with it; for a larger one that would cost more
/// than a second write.
const AT_ONCE: u64 = 64 << 10;
/// The most that is written at once.
const CHUNK: usize = 8 << 20;

/// The segment that is written.
#[derive(Debug)]
struct Tail {
    file: DiskFile,
    number: u64,
    size: u64,
    /// Where the next blob goes.
    offset: u64,
}

/// A blob that was written and not synced.
#[derive(Debug)]
struct Waiting {
    at: BlobAt,
    what: What,
    digest: Option<Digest>,
    replies: Vec<Reply>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Lane {
    which: Which,
    shared: Arc<Shared>,
    tail: Option<Tail>,
    group: Vec<Waiting>,
    /// Bytes of the group.
    bytes: u64,
    buffer: Vec<u8>,
    /// Nobody else owns the directory while the lane writes.
    _lock: Option<Arc<LockGuard>>,
}

impl Lane {
    pub(super) fn new(which: Which, shared: Arc<Shared>, lock: Option<Arc<LockGuard>>) -> Lane {
        Lane { which, shared, tail: None, group: Vec::new(), bytes: 0, buffer: Vec::new(), _lock: lock }
    }

    /// Writes until the arena is closed.
    pub(super) async fn run(mut self) {
        while let Some(jobs) = poll_fn(|cx| self.shared.poll_jobs(self.which, cx)).await {
            for job in jobs {
                // Nobody writes for somebody who has gone.
                if !job.reply.is_closed() {
                    self.take(job);
                }
                if self.bytes >= GROUP {
                    self.flush();
                }
            }
            self.flush();
        }
    }

    fn take(&mut self, Job { bytes, what, reply }: Job) {
        let bytes = (*bytes).as_ref();
        let digest = (what == What::Content).then(|| Digest::of_bytes(&[bytes]));
        if let Some(digest) = digest
            && let Some(twin) = self.group.iter_mut().find(|waiting| waiting.digest == Some(digest))
        {
            twin.replies.push(reply);
            return;
        }
        let there = match (digest, what) {
            (Some(digest), _) => {
                self.shared.content(digest).map(|blob| blob.map(|blob| Stored { blob, digest: Some(digest) }))
            }
            (None, What::Copy { of }) => self.copied(&of),
            (None, _) => Ok(None),
        };
        match there.transpose() {
            Some(answer) => tell([reply], &answer),
            None => match self.write(bytes, what) {
                Ok(at) => self.group.push(Waiting { at, what, digest, replies: vec![reply] }),
                Err(error) => tell([reply], &Err(error)),
            },
        }
    }

    /// The copy that was made before and is not taken over yet.
    fn copied(&self, of: &BlobAt) -> Result<Option<Stored>, StorageError> {
        let Some(at) = self.shared.copy_of(of) else { return Ok(None) };
        let blob = read::blob(self.shared.open_at(at, Check::Written, Show::Stored)?);
        Ok(Some(Stored { blob, digest: None }))
    }

    /// Writes a blob, which is then not durable yet.
    fn write(&mut self, bytes: &[u8], what: What) -> Result<BlobAt, StorageError> {
        let cipher = self.shared.cipher().clone();
        let encrypts = cipher.is_on() && !matches!(what, What::Copy { .. });
        let len = bytes.len() as u64 + if encrypts { cipher.extra() } else { 0 };
        let room = header::footprint(len);
        if self.tail.as_ref().is_none_or(|tail| room > tail.size - tail.offset) {
            self.flush();
            self.rotate(room)?;
        }
        let Some(tail) = &mut self.tail else { return Err(StorageError::Closed) };
        let (id, schema, encrypted) = match what {
            // What stands there is copied as it is.
            What::Copy { of } => (of.id, of.schema, of.encrypted),
            What::New { schema } => (self.shared.lock().index.new_id(), schema, encrypts),
            What::Content => (self.shared.lock().index.new_id(), 0, encrypts),
        };
        let mut at = BlobAt { id, segment: tail.number, offset: tail.offset, len, crc: 0, schema, encrypted };
        let bytes = match encrypts {
            true => Cow::Owned(encrypt(&cipher, &at, bytes, tail.file.path())?),
            false => Cow::Borrowed(bytes),
        };
        at.crc = crc32fast::hash(&bytes);
        match put(&tail.file, &at, &bytes, &mut self.buffer) {
            Ok(()) => {
                tail.offset += room;
                self.bytes += room;
                Ok(at)
            }
            Err(failure) => {
                let error = StorageError::from(failure);
                self.give_up(&error);
                Err(error)
            }
        }
    }

    /// Syncs what was written, and tells who waits for it.
    fn flush(&mut self) {
        let group = mem::take(&mut self.group);
        self.bytes = 0;
        let Some(tail) = self.tail.as_mut().filter(|_| !group.is_empty()) else { return };
        self.shared.count_sync();
        if let Err(failure) = tail.file.sync_data() {
            self.group = group;
            self.give_up(&failure.into());
            return;
        }
        let end = tail.offset;
        tail.offset = end.next_multiple_of(BLOCK);
        self.shared.lock().index.extend(tail.number, end);
        for Waiting { at, what, digest, replies } in group {
            tell(replies, &self.stored(at, what, digest));
        }
    }

    /// A blob is durable: it joins the index.
    fn stored(&self, at: BlobAt, what: What, digest: Option<Digest>) -> Answer {
        let show = if matches!(what, What::Copy { .. }) { Show::Stored } else { Show::Plain };
        let handle = self.shared.open_at(at, Check::Written, show)?;
        if let What::Copy { of } = what {
            let kept = self.shared.lock().index.copied(&of, at)?;
            let handle = if kept == at { handle } else { self.shared.open_at(kept, Check::Written, show)? };
            return Ok(Stored { blob: read::blob(handle), digest });
        }
        self.shared.lock().index.stored(digest, &handle);
        Ok(Stored { blob: read::blob(handle), digest })
    }

    /// A write or a sync failed: the segment is not written any more, and nothing of what it was for is told.
    fn give_up(&mut self, error: &StorageError) {
        self.retire();
        self.bytes = 0;
        for waiting in mem::take(&mut self.group) {
            tell(waiting.replies, &Err(error.clone()));
        }
    }

    fn retire(&mut self) {
        if let Some(tail) = self.tail.take() {
            self.shared.lock().index.retire(tail.number);
        }
    }

    /// Goes on in another segment, which has room for a blob that takes `room`.
    fn rotate(&mut self, room: u64) -> Result<(), StorageError> {
        self.retire();
        if self.which == Which::Small
            && let Some((number, path, size, offset)) = { self.shared.lock().index.take_resume() }
        {
            if offset <= size && room <= size - offset {
                let file = self.shared.disk.edit(&path).inspect_err(|_| self.shared.lock().index.retire(number))?;
                self.tail = Some(Tail { file, number, size, offset });
                return Ok(());
            }
            self.shared.lock().index.retire(number);
        }
        let number = self.shared.lock().index.new_segment();
        let size = self.shared.segment_bytes.max(BLOCK + room.next_multiple_of(BLOCK));
        let header = SegmentHeader { number, size, uuid: self.shared.uuid };
        self.shared.count_sync();
        let file = segment::create(&self.shared.disk, &self.shared.dir, &header)?;
        self.shared.lock().index.add_segment(number, size);
        self.tail = Some(Tail { file, number, size, offset: BLOCK });
        Ok(())
    }
}

/// The bytes of a blob, as they stand in a segment that is encrypted.
fn encrypt(cipher: &Cipher, at: &BlobAt, bytes: &[u8], file: &Path) -> Result<Vec<u8>, StorageError> {
    let mut out = Vec::with_capacity(bytes.len() + cipher.extra() as usize);
    let mut encrypt = || {
        let nonces = cipher.nonces(1)?;
        nonces
            .into_iter()
            .try_for_each(|nonce| cipher.encrypt(nonce, &header::of(at), &mut out, |out| out.extend_from_slice(bytes)))
    };
    encrypt().map_err(|source| header::locked(at, file, source))?;
    Ok(out)
}

/// Writes a blob and its header.
fn put(file: &DiskFile, at: &BlobAt, bytes: &[u8], buffer: &mut Vec<u8>) -> Result<(), Failure> {
    let header = header::encode(at);
    if at.len <= AT_ONCE {
        buffer.clear();
        buffer.extend_from_slice(&header);
        buffer.extend_from_slice(bytes);
        return file.write_all_at(buffer, at.offset);
    }
    file.write_all_at(&header, at.offset)?;
    let mut offset = at.offset + HEADER;
    for chunk in bytes.chunks(CHUNK) {
        file.write_all_at(chunk, offset)?;
        offset += chunk.len() as u64;
    }
    Ok(())
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Also after a panic, which bytes of a user's can bring: whoever waits learns that nothing will come.
        self.retire();
        self.group.clear();
        self.shared.lane_gone(self.which);
    }
}
