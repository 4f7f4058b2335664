//! Records that wait for the writer, already in the bytes that it will write.

use std::collections::VecDeque;
use std::mem;

use super::frame::{BLOCK, FRAME_HEADER};
use super::group::Group;
use super::record;
use crate::id::Lsn;
use crate::storage::StorageError;
use crate::storage::crypt::CryptError;

/// The most bytes of a group: 256 MiB.
pub(super) const MAX_GROUP: usize = 256 << 20;

/// The records of one frame to be: room for its header, then the records.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) first_lsn: Lsn,
    pub(super) count: u32,
}

impl Batch {
    /// An empty batch in a buffer, whose first record will have the LSN `first_lsn`.
    fn new(mut bytes: Vec<u8>, first_lsn: Lsn) -> Batch {
        bytes.clear();
        bytes.resize(FRAME_HEADER, 0);
        Batch { bytes, first_lsn, count: 0 }
    }

    /// Writes a group, whose first record has the LSN `next`, to its end; gives the number of its records, which are
    /// not counted yet. Takes back what was written on an error and on a panic.
    fn encode(&mut self, next: Lsn, group: impl FnOnce(&mut GroupWriter<'_>)) -> Result<u32, StorageError> {
        let start = self.bytes.len();
        let mut undo = Undo { bytes: &mut self.bytes, start, keep: false };
        let mut writer =
            GroupWriter { bytes: undo.bytes, start, next, count: 0, last: None, too_large: false, refused: None };
        group(&mut writer);
        let (count, too_large, refused) = (writer.count, writer.too_large, writer.refused);
        let bytes = undo.bytes.len() - start;
        if too_large || bytes > MAX_GROUP {
            return Err(StorageError::TooLarge { bytes: bytes as u64, limit: MAX_GROUP as u64 });
        }
        if let Some(source) = refused {
            return Err(StorageError::Encrypted { place: "a record that is to be written".to_owned(), source });
        }
        undo.keep = true;
        Ok(count)
    }

    /// The LSN of its last record.
    pub(super) fn last_lsn(&self) -> Lsn {
        Lsn(self.first_lsn.0 + u64::from(self.count) - 1)
    }
}

/// Writes the records of one group.
#[derive(Debug)]
pub(crate) struct GroupWriter<'a> {
    bytes: &'a mut Vec<u8>,
    /// Where the group starts.
    start: usize,
    /// The LSN of the first record.
    next: Lsn,
    count: u32,
    last: Option<usize>,
    too_large: bool,
    /// Why a record could not be encrypted.
    refused: Option<CryptError>,
}

impl GroupWriter<'_> {
    /// Appends a record; `body` appends the body's bytes to what it is given,
    /// and must leave alone what is there already. `time` is in nanoseconds since 1970-01-01 UTC.
    #[cfg(test)]
    pub(crate) fn record(&mut self, kind: u8, run: u64, time: i64, body: impl FnOnce(&mut Vec<u8>)) {
        self.write(kind, 0, run, time, body);
    }

    /// As [`record`](Self::record), with a body that is encrypted, and is told the record's LSN. The group is refused
    /// with its error.
    pub(crate) fn encrypted(
        &mut self,
        kind: u8,
        run: u64,
        time: i64,
        body: impl FnOnce(Lsn, &mut Vec<u8>) -> Result<(), CryptError>,
    ) {
        let lsn = Lsn(self.next.0 + u64::from(self.count));
        let mut refused = None;
        self.write(kind, record::ENCRYPTED, run, time, |bytes| refused = body(lsn, bytes).err());
        self.refused = self.refused.take().or(refused);
    }

    /// Has the group refused if this one cannot be appended.
    pub(crate) fn admit(&mut self, group: &Group) {
        self.too_large |= group.is_too_large();
    }

    /// Appends the records of a group.
    pub(crate) fn copy(&mut self, group: &Group) {
        self.admit(group);
        let Some((bytes, last, count)) = group.encoded().filter(|_| !self.too_large) else { return };
        if let Some(previous) = self.last {
            record::continue_group(self.bytes, previous);
        }
        self.last = Some(self.bytes.len() + last);
        self.bytes.extend_from_slice(bytes);
        self.count += count;
        self.too_large = self.bytes.len() - self.start > MAX_GROUP;
    }

    fn write(&mut self, kind: u8, flags: u8, run: u64, time: i64, body: impl FnOnce(&mut Vec<u8>)) {
        if self.too_large {
            return;
        }
        if let Some(previous) = self.last {
            record::continue_group(self.bytes, previous);
        }
        self.last = record::write(self.bytes, kind, flags, run, time, body);
        self.too_large = self.last.is_none() || self.bytes.len() - self.start > MAX_GROUP;
        self.count += 1;
    }
}

/// The batches that wait. Groups join the open one as long as it fits a
/// segment; the writer takes the oldest.
#[derive(Debug)]
pub(super) struct Queue {
    sealed: VecDeque<Batch>,
    open: Batch,
    /// Buffers that were written and can be filled again.
    spare: Vec<Vec<u8>>,
    /// The LSN of the next record.
    next: Lsn,
    /// The bytes that wait, with those that the writer has in hand.
    bytes: usize,
    /// The most bytes of a frame that fits a segment.
    frame_limit: usize,
}

/// Cuts a batch back to where a group began, unless the group is kept.
struct Undo<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
    keep: bool,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if !self.keep {
            self.bytes.truncate(self.start);
        }
    }
}

impl Queue {
    /// A queue whose next record has the LSN `next`, for segments of `segment_bytes`.
    pub(super) fn new(next: Lsn, segment_bytes: u64) -> Queue {
        let frame_limit = usize::try_from(segment_bytes).unwrap_or(MAX_GROUP) - BLOCK;
        let (sealed, spare) = (VecDeque::new(), Vec::new());
        Queue { sealed, open: Batch::new(Vec::new(), next), spare, next, bytes: 0, frame_limit }
    }

    /// The LSN of the last record.
    pub(super) fn last_lsn(&self) -> Lsn {
        Lsn(self.next.0 - 1)
    }

    /// The bytes that wait, with those that the writer has in hand.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a group; gives the LSN of its last record, or of the last one
    /// before it when it has none. What `group` wrote is gone if it panics.
    pub(super) fn append(&mut self, group: impl FnOnce(&mut GroupWriter<'_>)) -> Result<Lsn, StorageError> {
        let start = self.open.bytes.len();
        let count = self.open.encode(self.next, group)?;
        let first = self.next;
        self.bytes += self.open.bytes.len() - start;
        self.next = Lsn(first.0 + u64::from(count));
        if self.open.count > 0 && self.open.bytes.len() > self.frame_limit {
            let mut after = self.fresh(first);
            after.bytes.extend_from_slice(&self.open.bytes[start..]);
            after.count = count;
            self.open.bytes.truncate(start);
            self.sealed.push_back(mem::replace(&mut self.open, after));
        } else {
            self.open.count += count;
        }
        Ok(self.last_lsn())
    }

    fn fresh(&mut self, first_lsn: Lsn) -> Batch {
        Batch::new(self.spare.pop().unwrap_or_default(), first_lsn)
    }

    /// Takes the oldest batch and the number of its bytes, for [`done`](Self::done).
    pub(super) fn take(&mut self) -> Option<(Batch, usize)> {
        let batch = match self.sealed.pop_front() {
            Some(batch) => batch,
            None if self.open.count > 0 => {
                let fresh = self.fresh(self.next);
                mem::replace(&mut self.open, fresh)
            }
            None => return None,
        };
        let bytes = batch.bytes.len() - FRAME_HEADER;
        Some((batch, bytes))
    }

    /// A batch of `bytes` is written; its buffer can be used again.
    pub(super) fn done(&mut self, bytes: usize, buffer: Vec<u8>) {
        // What waited may have been forgotten meanwhile.
        self.bytes = self.bytes.saturating_sub(bytes);
        // Two take turns; one that a single large group has blown up is let go.
        if self.spare.len() < 2 && buffer.capacity() <= 2 * self.frame_limit.max(1 << 20) {
            self.spare.push(buffer);
        }
    }

    /// Forgets what waits; it will never be written.
    pub(super) fn clear(&mut self) {
        self.sealed.clear();
        self.open = Batch::new(Vec::new(), self.next);
        self.bytes = 0;
    }
}
