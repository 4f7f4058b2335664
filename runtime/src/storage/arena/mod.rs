//! The arena: large payloads beside the log, written once and read in place.
//!
//! Owns `arena/` in the data directory. A blob is durable before it is told, and so before a record can name it; what
//! is live is said by the layer above (handles, records, rows of the checkpoint), and what is not goes by whole segments.
//! The parts, from the bytes up: `segment` and `header` are the format; `index` and `collect` say what is where and what
//! can go, without touching a file; `open`, `read` and `lane` do; `shared` and `job` stand between callers and lanes.
//! What must always hold: see `index`, `collect`, `lane` and `read`.
//!
//! What the layer above upholds: it has the directory's lock; it notes every record of the log's tail before it puts or
//! collects; it keeps a [`Blob`] until it has called [`Arena::named`] for the record that names it, and calls
//! [`Arena::referenced`] for the rows of a batch before [`Arena::applied`] for its LSN.

mod collect;
mod copy;
mod header;
mod index;
mod job;
mod lane;
mod look;
mod open;
mod read;
mod segment;
mod shared;
mod verify;

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

pub(crate) use self::collect::{Collected, Hold, Moving};
pub(crate) use self::header::MAX_BLOB;
pub(crate) use self::job::Source;
use self::job::{Answer, Job, What};
use self::lane::Lane;
pub(crate) use self::look::ArenaLook;
use self::read::Mapped;
use self::segment::BLOCK;
use self::shared::{Shared, Which};
pub(crate) use self::verify::{key_of_blob, verify};
use super::StorageError;
use super::crypt::Cipher;
use super::disk::{Disk, Failure};
use crate::codec::{Blob, BlobAt, Digest};
use crate::id::Lsn;
use crate::platform::{Exec, LockGuard, Platform};

/// The smallest segment: 64 KiB.
const MIN_SEGMENT: u64 = 64 * 1024;
/// The largest segment that can be asked for: 1 GiB. One that holds a larger blob gets larger.
const MAX_SEGMENT: u64 = 1 << 30;
/// A blob above this is large: the small ones do not wait for it.
const LARGE: u64 = 1 << 20;

/// How an arena is written.
#[derive(Debug, Clone)]
pub(crate) struct ArenaConfig {
    /// The size of a segment, in bytes; raised to [`MIN_SEGMENT`] and to whole blocks.
    pub(crate) segment_bytes: u64,
}

impl Default for ArenaConfig {
    fn default() -> ArenaConfig {
        ArenaConfig { segment_bytes: 64 << 20 }
    }
}

/// How much there is in an arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ArenaStats {
    /// Files.
    pub(crate) segments: u64,
    /// Their bytes.
    pub(crate) bytes_allocated: u64,
    /// Bytes of live blobs, with their headers.
    pub(crate) bytes_live: u64,
    /// Blobs that are known.
    pub(crate) blobs: u64,
    /// Syncs since it was opened.
    pub(crate) syncs: u64,
}

/// A live arena. Cheap to clone.
///
/// When the last clone is dropped without [`close`](Arena::close), its threads write what waits, and end. A [`Blob`]
/// can be read as long as it lives, whatever becomes of the arena.
#[derive(Debug, Clone)]
pub(crate) struct Arena {
    handle: Arc<Handle>,
}

/// What stands in a segment of a blob.
struct Stood(Arc<Mapped>);

impl AsRef<[u8]> for Stood {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// What all clones share, and nobody else.
struct Handle {
    shared: Arc<Shared>,
    exec: Arc<dyn Exec>,
}

impl Arena {
    /// Opens the arena of the data directory `dir`, which the caller has locked; `known` are the blobs that rows of
    /// the checkpoint refer to. Blocks.
    ///
    /// # Errors
    /// A segment that is damaged, short, of a newer format, of another directory; an unexpected file; a known blob
    /// whose segment is missing or too short for it; and IO.
    pub(crate) fn open(
        platform: &Platform,
        dir: &Path,
        uuid: Uuid,
        config: ArenaConfig,
        known: Vec<BlobAt>,
    ) -> Result<Arena, StorageError> {
        let segment_bytes = config.segment_bytes.clamp(MIN_SEGMENT, MAX_SEGMENT).next_multiple_of(BLOCK);
        let disk = Disk::new(platform.fs.clone());
        let segments = open::segments(&disk, dir, uuid)?;
        let shared = Arc::new(Shared::new(disk, dir, uuid, segment_bytes, segments));
        {
            let mut state = shared.lock();
            known.iter().try_for_each(|at| state.index.know(at))?;
        }
        Ok(Arena { handle: Arc::new(Handle { shared, exec: platform.exec.clone() }) })
    }

    /// Nothing is written but under this lock: threads of the arena hold it until they end.
    pub(crate) fn under(&self, lock: &Arc<LockGuard>) {
        self.handle.shared.under(lock);
    }

    /// What is put from now on is encrypted; what is encrypted can be had. Before the first put.
    pub(crate) fn encrypt(&self, cipher: &Cipher) {
        self.handle.shared.encrypt(cipher);
    }

    /// A record that was read at open names this blob: it joins the index, unless a row has named it already. It is
    /// live until [`named`](Arena::named) says the record's LSN. Not after the first put or collection.
    ///
    /// # Errors
    /// A segment that is missing, or too short for the blob.
    pub(crate) fn note(&self, at: &BlobAt) -> Result<(), StorageError> {
        self.handle.shared.lock().index.note(at)
    }

    /// Writes a blob; the future completes when it is durable. What was begun goes on when the future is dropped, and
    /// can be collected then.
    ///
    /// # Errors
    /// [`StorageError::BlobTooLarge`], [`StorageError::Closed`], and IO. A full disk is an error of this put alone;
    /// after another failure the next one goes to a fresh segment.
    pub(crate) fn put(
        &self,
        bytes: Source,
        schema: u64,
    ) -> impl Future<Output = Result<Blob, StorageError>> + Send + 'static + use<> {
        let stored = self.handle.store(bytes, What::New { schema });
        async move { stored.await.map(|stored| stored.blob) }
    }

    /// As [`put`](Arena::put), under the name of the content: bytes that are there already are not written again.
    ///
    /// # Errors
    /// As [`put`](Arena::put); and damage of the blob that is there.
    pub(crate) fn put_content(
        &self,
        bytes: Source,
    ) -> impl Future<Output = Result<(Digest, Blob), StorageError>> + Send + 'static + use<> {
        let stored = self.handle.store(bytes, What::Content);
        async move {
            let stored = stored.await?;
            // A lane always says the digest of a content; hashing again would be as right.
            let digest = stored.digest.unwrap_or_else(|| Digest::of_bytes(&[&stored.blob]));
            Ok((digest, stored.blob))
        }
    }

    /// A blob has this content: what the checkpoint and the log's tail say, told after the blob itself.
    ///
    /// # Errors
    /// A blob that is not known, or has another content already.
    pub(crate) fn known_content(&self, digest: Digest, id: u64) -> Result<(), StorageError> {
        self.handle.shared.lock().index.known_content(digest, id)
    }

    /// A blob, in place, or decrypted into memory. The first time in this process its header, length and checksum are checked. Blocks.
    ///
    /// # Errors
    /// [`StorageError::MissingBlob`], damage, and IO.
    pub(crate) fn get(&self, id: u64) -> Result<Blob, StorageError> {
        self.handle.shared.blob(id)
    }

    /// The blob with this content. The first time in this process its SHA-256 is checked. Blocks.
    ///
    /// # Errors
    /// [`StorageError::MissingContent`], damage, and IO.
    pub(crate) fn get_content(&self, digest: Digest) -> Result<Blob, StorageError> {
        let missing = || StorageError::MissingContent { digest: digest.to_string() };
        self.handle.shared.content(digest)?.ok_or_else(missing)
    }

    /// Where a blob lies now. A row says this place, not the one of the record that it is made from, as the blob may
    /// have moved since.
    ///
    /// # Errors
    /// [`StorageError::MissingBlob`].
    pub(crate) fn place(&self, id: u64) -> Result<BlobAt, StorageError> {
        self.handle.shared.place(id)
    }

    /// A queued record names the blob, which its caller still has.
    pub(crate) fn named(&self, id: u64, lsn: Lsn) {
        self.handle.shared.lock().index.named(id, lsn);
    }

    /// Rows of the checkpoint refer to the blob.
    pub(crate) fn referenced(&self, id: u64) {
        self.handle.shared.lock().index.referenced(id, true);
    }

    /// No row of the checkpoint refers to the blob any more, durably.
    pub(crate) fn unreferenced(&self, id: u64) {
        self.handle.shared.lock().index.referenced(id, false);
    }

    /// Everything up to here is in a durable checkpoint.
    pub(crate) fn applied(&self, lsn: Lsn) {
        self.handle.shared.applied(lsn);
    }

    /// Unlinks the segments that can go. Blocks.
    pub(crate) fn collect(&self) -> Collected {
        self.handle.shared.collect()
    }

    /// The blobs of segments that are nearly dead, if there are any: moved, they let their segments go.
    pub(crate) fn survivors(&self) -> Option<Moving> {
        let mut state = self.handle.shared.lock();
        state.index.settle();
        let ids = state.index.survivors();
        (!ids.is_empty()).then_some(Moving { ids })
    }

    /// Copies blobs elsewhere, durably, and gives their new places, which nobody knows yet. Those that died meanwhile
    /// are left out. After an error, or when the future was dropped, it can be asked again: what was copied is not
    /// copied again.
    ///
    /// # Errors
    /// As [`get`](Arena::get) and [`put`](Arena::put).
    pub(crate) fn move_blobs(
        &self,
        moving: Moving,
    ) -> impl Future<Output = Result<Vec<BlobAt>, StorageError>> + Send + 'static + use<> {
        let arena = self.clone();
        async move {
            let mut copies = Vec::new();
            for id in moving.ids {
                match arena.stood(id) {
                    Ok((of, bytes)) => copies.push(arena.handle.store(bytes, What::Copy { of })),
                    Err(StorageError::MissingBlob { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            let mut places = Vec::new();
            for copy in copies {
                match copy.await {
                    Ok(stored) => places.push(stored.blob.at()),
                    Err(StorageError::MissingBlob { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(places)
        }
    }

    /// What stands in a segment of a blob, to be copied.
    fn stood(&self, id: u64) -> Result<(BlobAt, Source), StorageError> {
        let shared = &self.handle.shared;
        if shared.place(id)?.encrypted {
            let stored = shared.stored(id)?;
            return Ok((stored.at(), Box::new(Stood(stored))));
        }
        let blob = shared.blob(id)?;
        Ok((blob.at(), Box::new(blob)))
    }

    /// The checkpoint says durably that these blobs lie where [`move_blobs`](Arena::move_blobs) has put them.
    pub(crate) fn moved(&self, places: Vec<BlobAt>) {
        let mut state = self.handle.shared.lock();
        places.iter().for_each(|at| state.index.moved(at));
    }

    /// How much there is.
    pub(crate) fn stats(&self) -> ArenaStats {
        let state = self.handle.shared.lock();
        ArenaStats {
            segments: state.index.segments.len() as u64,
            bytes_allocated: state.index.segments.values().map(|segment| segment.size).sum(),
            bytes_live: state.index.live_bytes(),
            blobs: state.index.entries.len() as u64,
            syncs: state.syncs,
        }
    }

    /// Holds off unlinking, for somebody who copies the directory while it is live: taken before the log and the
    /// checkpoint are copied; the segments are listed after that.
    pub(crate) fn hold_for_backup(&self) -> Hold {
        Hold::new(&self.handle.shared)
    }

    /// Takes no more puts; the future waits until those in the air are told and no thread of the arena is left. Cancel
    /// safe.
    pub(crate) fn close(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let shared = self.handle.shared.clone();
        shared.close();
        async move { poll_fn(|cx| shared.poll_closed(cx)).await }
    }
}

impl Handle {
    /// Asks a lane, which is started if need be.
    fn store(&self, bytes: Source, what: What) -> impl Future<Output = Answer> + Send + 'static + use<> {
        let (reply, answer) = oneshot::channel();
        let asked = self.ask(Job { bytes, what, reply });
        let path = self.shared.dir.join(segment::DIR);
        async move {
            asked?;
            let gone = |_| Failure::new("write to", &path, io::Error::other("the arena's thread has ended"));
            answer.await.map_err(gone)?
        }
    }

    fn ask(&self, job: Job) -> Result<(), StorageError> {
        let bytes = (*job.bytes).as_ref().len() as u64;
        let copied = matches!(job.what, What::Copy { .. });
        if bytes > MAX_BLOB && !copied {
            return Err(StorageError::BlobTooLarge { bytes, limit: MAX_BLOB });
        }
        let small = bytes <= LARGE
            && header::footprint(bytes + self.shared.cipher().extra()) <= self.shared.segment_bytes - BLOCK;
        let (which, name) = if small { (Which::Small, "factum-arena") } else { (Which::Large, "factum-arena-large") };
        if self.shared.push(which, job)? {
            let lane = Lane::new(which, self.shared.clone(), self.shared.directory()?);
            // Whoever wants to know when the lane ends asks `shared`; one that cannot start is dropped, and says so.
            let _thread = self
                .exec
                .spawn_thread(name, Box::pin(lane.run()))
                .map_err(|e| Failure::new("start the writer of", &self.shared.dir.join(segment::DIR), e))?;
        }
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("shared", &self.shared).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
