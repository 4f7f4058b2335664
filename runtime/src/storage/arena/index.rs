//! What is where: every blob that can be asked for, and every segment. Pure: no file is touched here.
//!
//! What must always hold: a blob of the index is durable at its place, and that segment is there; a segment that lets
//! go of its last blob is not written; a place that a record above the applied LSN may name is there, also when the
//! blob has moved since (`former`).

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::header;
use super::read::Mapped;
use super::segment::{self, BLOCK, SegmentHeader};
use crate::codec::{BlobAt, Digest};
use crate::id::Lsn;
use crate::platform::Map;
use crate::storage::StorageError;

/// A blob.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: BlobAt,
    /// What the handles in memory share.
    pub(super) handle: Weak<Mapped>,
    /// Whether header, length and checksum were checked in this process.
    pub(super) checked: bool,
    /// Whether the SHA-256 was.
    pub(super) hashed: bool,
    /// Whether rows of the checkpoint refer to it.
    pub(super) referenced: bool,
    /// Whether a record that was read at open names it whose LSN was not told yet.
    pub(super) noted: bool,
    /// The last record that names it.
    pub(super) named: Lsn,
    pub(super) digest: Option<Digest>,
    /// A durable copy that the checkpoint may refer to already.
    pub(super) copy: Option<BlobAt>,
    /// Where it lay before: handles and records may still say so.
    pub(super) former: Vec<Former>,
}

/// A segment that a blob was moved from.
#[derive(Debug)]
pub(super) struct Former {
    pub(super) segment: u64,
    /// What the handles of that time share.
    pub(super) handle: Weak<Mapped>,
}

/// A segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    /// The end of what is durable and can be asked for.
    pub(super) end: u64,
    /// The blobs that lie here; also some that do not any more.
    pub(super) blobs: Vec<u64>,
    /// Whether a lane writes here, or will.
    pub(super) writing: bool,
    /// The last record that says that a blob lies here.
    pub(super) named: Lsn,
    /// The view that is shared, and through which offset it shows what was written.
    pub(super) map: Option<(Arc<dyn Map>, u64)>,
    /// Everybody who has a part of a view has a clone of this.
    pub(super) held: Arc<()>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) dir: PathBuf,
    pub(super) entries: HashMap<u64, Entry>,
    pub(super) segments: BTreeMap<u64, Segment>,
    pub(super) contents: HashMap<Digest, u64>,
    pub(super) applied: Lsn,
    next_id: u64,
    next_segment: u64,
    /// Whether every record was noted that there is: what nobody named is garbage from then on.
    settled: bool,
    /// The segment of an earlier process in which appending goes on.
    resume: Option<u64>,
}

impl Entry {
    pub(super) fn new(at: BlobAt) -> Entry {
        Entry {
            at,
            handle: Weak::new(),
            checked: false,
            hashed: false,
            referenced: false,
            noted: false,
            named: Lsn(0),
            digest: None,
            copy: None,
            former: Vec::new(),
        }
    }

    /// Whether somebody has the blob, or may ask for it after a crash.
    pub(super) fn is_live(&self, applied: Lsn) -> bool {
        let handles = self.former.iter().map(|former| &former.handle).chain([&self.handle]);
        self.referenced
            || self.noted
            || self.named > applied
            || handles.into_iter().any(|handle| handle.strong_count() > 0)
    }
}

impl Segment {
    pub(super) fn new(path: PathBuf, size: u64) -> Segment {
        let (map, held) = (None, Arc::new(()));
        Segment { path, size, end: BLOCK, blobs: Vec::new(), writing: false, named: Lsn(0), map, held }
    }
}

impl Index {
    pub(super) fn new(dir: &Path, segments: Vec<SegmentHeader>) -> Index {
        let next_segment = segments.iter().map(|header| header.number + 1).max().unwrap_or(1);
        let segments = segments.into_iter().map(|SegmentHeader { number, size, .. }| {
            let segment = Segment::new(segment::path(dir, number), size);
            (number, segment)
        });
        Index {
            dir: dir.to_owned(),
            entries: HashMap::new(),
            segments: segments.collect(),
            contents: HashMap::new(),
            applied: Lsn(0),
            next_id: 1,
            next_segment,
            settled: false,
            resume: None,
        }
    }

    /// A row names this blob.
    pub(super) fn know(&mut self, at: &BlobAt) -> Result<(), StorageError> {
        if let Some(entry) = self.entries.get(&at.id) {
            if entry.at == *at {
                return Ok(());
            }
            let (one, other) = (format!("{:?}", entry.at), format!("{at:?}"));
            return Err(StorageError::DoubledBlob { id: at.id, one, other });
        }
        self.join(at, |entry| entry.referenced = true)
    }

    /// A record that was read at open names this blob. What the rows say outweighs it.
    pub(super) fn note(&mut self, at: &BlobAt) -> Result<(), StorageError> {
        debug_assert!(!self.settled, "records are noted before the arena is used");
        match self.entries.get_mut(&at.id) {
            Some(entry) if entry.at == *at => Ok(()),
            Some(entry) => {
                if entry.at.content() != at.content() {
                    let (one, other) = (format!("{:?}", entry.at), format!("{at:?}"));
                    return Err(StorageError::DoubledBlob { id: at.id, one, other });
                }
                // The rows may go before the record does, and the record says this place: it is not written over, and
                // its segment stays. Should it have gone, the row is enough.
                let Some(segment) = self.segments.get_mut(&at.segment) else { return Ok(()) };
                header::check_place(at, &segment.path, segment.size)?;
                segment.end = segment.end.max(header::end(at));
                if !entry.former.iter().any(|former| former.segment == at.segment) {
                    entry.former.push(Former { segment: at.segment, handle: Weak::new() });
                }
                Ok(())
            }
            // What nobody named is written over by now.
            None if self.settled => Err(StorageError::MissingBlob { id: at.id }),
            None => self.join(at, |entry| entry.noted = true),
        }
    }

    fn join(&mut self, at: &BlobAt, how: impl FnOnce(&mut Entry)) -> Result<(), StorageError> {
        let Some(segment) = self.segments.get_mut(&at.segment) else {
            return Err(StorageError::MissingArenaSegment { file: segment::path(&self.dir, at.segment), id: at.id });
        };
        header::check_place(at, &segment.path, segment.size)?;
        segment.blobs.push(at.id);
        segment.end = segment.end.max(header::end(at));
        self.next_id = self.next_id.max(at.id + 1);
        let mut entry = Entry::new(*at);
        how(&mut entry);
        self.entries.insert(at.id, entry);
        Ok(())
    }

    /// Everything is noted. Appending goes on in the newest segment with a blob: its name and header are durable, since
    /// a blob in it is. What lies behind its last blob nobody names; a segment without blobs is garbage as a whole.
    pub(super) fn settle(&mut self) {
        if self.settled {
            return;
        }
        self.settled = true;
        let last = self.segments.iter_mut().rev().find(|(_, segment)| segment.end > BLOCK);
        if let Some((&number, segment)) = last {
            segment.writing = true;
            self.resume = Some(number);
        }
    }

    /// The segment in which appending goes on, asked for once: number, path, size, and where.
    pub(super) fn take_resume(&mut self) -> Option<(u64, PathBuf, u64, u64)> {
        let number = self.resume.take()?;
        let segment = self.segments.get(&number)?;
        Some((number, segment.path.clone(), segment.size, segment.end.next_multiple_of(BLOCK)))
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    pub(super) fn new_segment(&mut self) -> u64 {
        self.next_segment += 1;
        self.next_segment - 1
    }

    /// A segment was made, and is written.
    pub(super) fn add_segment(&mut self, number: u64, size: u64) {
        let mut segment = Segment::new(segment::path(&self.dir, number), size);
        segment.writing = true;
        self.segments.insert(number, segment);
    }

    /// Nobody writes this segment any more.
    pub(super) fn retire(&mut self, number: u64) {
        if let Some(segment) = self.segments.get_mut(&number) {
            segment.writing = false;
        }
    }

    /// What lies below `end` in a segment is durable.
    pub(super) fn extend(&mut self, number: u64, end: u64) {
        if let Some(segment) = self.segments.get_mut(&number) {
            segment.end = segment.end.max(end);
        }
    }

    /// A new blob is durable.
    pub(super) fn stored(&mut self, digest: Option<Digest>, handle: &Arc<Mapped>) {
        let at = handle.at();
        let mut entry = Entry::new(at);
        entry.handle = Arc::downgrade(handle);
        entry.checked = true;
        // What was hashed is what was written, and that was read back.
        entry.hashed = digest.is_some();
        entry.digest = digest;
        self.entries.insert(at.id, entry);
        if let Some(digest) = digest {
            self.contents.insert(digest, at.id);
        }
        if let Some(segment) = self.segments.get_mut(&at.segment) {
            segment.blobs.push(at.id);
        }
    }

    /// A queued record names the blob, at its place or at one that it had.
    pub(super) fn named(&mut self, id: u64, lsn: Lsn) {
        let Some(entry) = self.entries.get_mut(&id) else {
            debug_assert!(false, "a record names blob {id}, which nobody has");
            return;
        };
        entry.noted = false;
        entry.named = entry.named.max(lsn);
        for number in entry.former.iter().map(|former| former.segment).chain([entry.at.segment]) {
            if let Some(segment) = self.segments.get_mut(&number) {
                segment.named = segment.named.max(lsn);
            }
        }
    }

    /// Whether rows refer to the blob.
    pub(super) fn referenced(&mut self, id: u64, referenced: bool) {
        match self.entries.get_mut(&id) {
            Some(entry) => {
                entry.referenced = referenced;
                if !referenced {
                    // A copy that was made and not taken over is for rows that are gone: nobody will take it over.
                    entry.copy = None;
                }
            }
            None => debug_assert!(!referenced, "a row names blob {id}, which nobody has"),
        }
    }

    /// A blob has this content.
    pub(super) fn known_content(&mut self, digest: Digest, id: u64) -> Result<(), StorageError> {
        let entry = self.entries.get_mut(&id).ok_or(StorageError::MissingBlob { id })?;
        match entry.digest {
            Some(other) if other != digest => {
                let (one, other) = (other.to_string(), digest.to_string());
                return Err(StorageError::DoubledBlob { id, one, other });
            }
            _ => entry.digest = Some(digest),
        }
        // Of two blobs with one content either will do.
        self.contents.entry(digest).or_insert(id);
        Ok(())
    }
}
