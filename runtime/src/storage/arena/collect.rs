//! What can go, and what is to be moved so that more can go.
//!
//! What must always hold: a segment is unlinked only when nobody writes it, no blob in it is live, nobody has a part of
//! its view, every record that says that a blob lies there is in a durable checkpoint, and nobody copies segments.

use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use super::header;
use super::index::{Entry, Former, Index, Segment};
use super::shared::Shared;
use crate::codec::BlobAt;
use crate::id::Lsn;
use crate::storage::StorageError;
use crate::storage::disk::Disk;

/// A segment of which less than one part in this many is live is nearly dead.
const NEARLY_DEAD: u64 = 4;

/// What a collection did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collected {
    /// Segments that were unlinked.
    pub(crate) segments: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Blobs that nobody has any more and that were forgotten.
    pub(crate) blobs: u64,
    /// Segments that could not be unlinked; the next collection tries again.
    pub(crate) failures: Vec<StorageError>,
}

/// The blobs of nearly dead segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moving {
    pub(super) ids: Vec<u64>,
}

/// A segment as a copy of the directory needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentCopy {
    /// The file.
    pub(crate) path: PathBuf,
    /// How long the copy must be; what is not copied is zeros.
    pub(crate) size: u64,
    /// How many of its first bytes are durable and matter.
    pub(crate) used: u64,
}

/// As long as it lives no segment is unlinked.
#[derive(Debug)]
pub(crate) struct Hold {
    shared: Arc<Shared>,
    _copied: Arc<()>,
}

impl Hold {
    pub(super) fn new(shared: &Arc<Shared>) -> Hold {
        let _copied = shared.lock().copied.clone();
        Hold { shared: shared.clone(), _copied }
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.shared.disk
    }

    /// The segments as they are now: they have every blob that was put before.
    pub(crate) fn segments(&self) -> Vec<SegmentCopy> {
        let state = self.shared.lock();
        let copy =
            |segment: &Segment| SegmentCopy { path: segment.path.clone(), size: segment.size, used: segment.end };
        state.index.segments.values().map(copy).collect()
    }
}

impl Index {
    /// Forgets the dead blobs of a segment, and gives how many.
    fn sweep(&mut self, number: u64) -> u64 {
        let Index { segments, entries, contents, applied, .. } = self;
        let Some(segment) = segments.get_mut(&number) else { return 0 };
        let mut forgotten = 0;
        segment.blobs.retain(|id| {
            let Some(entry) = entries.get(id) else { return false };
            if entry.at.segment != number {
                return entry.copy.is_some_and(|copy| copy.segment == number);
            }
            if entry.is_live(*applied) {
                return true;
            }
            if let Some(digest) = entry.digest
                && contents.get(&digest) == Some(id)
            {
                contents.remove(&digest);
            }
            entries.remove(id);
            forgotten += 1;
            false
        });
        segment.blobs.shrink_to(2 * segment.blobs.len());
        forgotten
    }

    /// Takes a segment out whose dead blobs were forgotten, if it can go.
    fn take_empty(&mut self, number: u64) -> Option<Segment> {
        let segment = self.segments.get(&number)?;
        let used = segment.writing || !segment.blobs.is_empty() || Arc::strong_count(&segment.held) > 1;
        if used || segment.named > self.applied {
            return None;
        }
        self.segments.remove(&number)
    }

    /// The blobs of nearly dead segments. A segment that has a blob which no row refers to stays: it is its record in
    /// the log that says where it lies.
    pub(super) fn survivors(&self) -> Vec<u64> {
        let mut survivors = Vec::new();
        for (number, segment) in self.segments.iter().filter(|(_, segment)| !segment.writing) {
            let here = |id: &u64| self.entries.get(id).filter(|entry| entry.at.segment == *number);
            let live: Vec<&Entry> =
                segment.blobs.iter().filter_map(here).filter(|entry| entry.is_live(self.applied)).collect();
            let bytes: u64 = live.iter().map(|entry| header::footprint(entry.at.len)).sum();
            if bytes < segment.size / NEARLY_DEAD && live.iter().all(|entry| entry.referenced) {
                survivors.extend(live.iter().map(|entry| entry.at.id));
            }
        }
        survivors
    }

    /// A copy of a blob is durable. Gives the copy that counts: of two the first.
    pub(super) fn copied(&mut self, of: &BlobAt, at: BlobAt) -> Result<BlobAt, StorageError> {
        let missing = StorageError::MissingBlob { id: of.id };
        let entry = self.entries.get_mut(&of.id).filter(|entry| entry.at == *of).ok_or(missing)?;
        if let Some(copy) = entry.copy {
            return Ok(copy);
        }
        entry.copy = Some(at);
        if let Some(segment) = self.segments.get_mut(&at.segment) {
            segment.blobs.push(at.id);
        }
        Ok(at)
    }

    /// The checkpoint says durably that a blob lies at its copy. Records may still say the old place, and whoever has
    /// a handle may still make such a record.
    pub(super) fn moved(&mut self, at: &BlobAt) {
        let Index { entries, segments, .. } = self;
        let Some(entry) = entries.get_mut(&at.id).filter(|entry| entry.copy == Some(*at)) else { return };
        entry.copy = None;
        let old = mem::replace(&mut entry.at, *at);
        entry.checked = false;
        entry.former.retain(|former| segments.contains_key(&former.segment));
        entry.former.push(Former { segment: old.segment, handle: mem::take(&mut entry.handle) });
    }

    /// Bytes of blobs that somebody has, with their headers.
    pub(super) fn live_bytes(&self) -> u64 {
        let live = self.entries.values().filter(|entry| entry.is_live(self.applied));
        live.map(|entry| header::footprint(entry.at.len)).sum()
    }
}

impl Shared {
    /// Forgets what is dead and unlinks what can go. Blocks.
    pub(super) fn collect(&self) -> Collected {
        let mut collected = Collected::default();
        let numbers: Vec<u64> = {
            let mut state = self.lock();
            state.index.settle();
            state.index.segments.keys().copied().collect()
        };
        // The lock is let go between segments, as each may have many blobs.
        for number in numbers {
            let mut state = self.lock();
            collected.blobs += state.index.sweep(number);
            if Arc::strong_count(&state.copied) > 1 {
                continue;
            }
            let Some(segment) = state.index.take_empty(number) else { continue };
            drop(state);
            // Not followed by a sync of the directory: a segment that a power cut brings back is garbage as a whole.
            match self.disk.remove(&segment.path) {
                Ok(()) => {
                    collected.segments += 1;
                    collected.bytes += segment.size;
                }
                Err(failure) => {
                    collected.failures.push(failure.into());
                    self.lock().index.segments.insert(number, segment);
                }
            }
        }
        collected
    }

    /// Everything up to here is in a durable checkpoint.
    pub(super) fn applied(&self, lsn: Lsn) {
        let mut state = self.lock();
        state.index.applied = state.index.applied.max(lsn);
    }
}
