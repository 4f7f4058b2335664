//! Reads a log while it is live.

use std::ops::ControlFlow;

use super::frame::{self, FRAME_HEADER, Frame};
use super::judge;
use super::record::RawRecord;
use super::scan::Damage;
use super::segment;
use super::shared::{LiveSegment, Readable};
use crate::id::Lsn;
use crate::storage::StorageError;
use crate::storage::disk::{Disk, DiskFile};

/// So many bytes of a segment are read at once, or one frame if that is longer.
const CHUNK: usize = 256 << 10;

/// Where a frame begins: what was read last ended in it, and what is read next may begin there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    /// The segment's salt, which no other has.
    salt: u64,
    /// The frame's first LSN.
    first: Lsn,
    offset: u64,
}

/// Visits the records from `from` through `through`, a frame at a time. Only the segments that hold them are read.
/// Gives where it was stopped, if it was, and takes where an earlier visit was.
pub(super) fn records(
    disk: &Disk,
    readable: &Readable,
    from: Lsn,
    through: Lsn,
    reached: Option<Reached>,
    visit: &mut dyn FnMut(Lsn, &RawRecord<'_>) -> ControlFlow<()>,
) -> Result<Option<Reached>, StorageError> {
    let (segments, through) = (&readable.segments, through.min(readable.through));
    if from > through {
        return Ok(None);
    }
    let before = segments.partition_point(|segment| segment.first_lsn <= from);
    let Some(base) = before.checked_sub(1) else {
        let oldest = segments.first().map_or(Lsn(through.0 + 1), |segment| segment.first_lsn);
        return Err(StorageError::Retired { lsn: from, oldest });
    };
    let there = |reached: &Reached| reached.salt == segments[base].salt && reached.first <= from;
    let (mut next, mut offset) = match reached.filter(there) {
        Some(reached) => (reached.first, reached.offset),
        None => (segments[base].first_lsn, segment::FRAMES_AT as u64),
    };
    let mut window = Window::default();
    for (i, segment) in segments.iter().enumerate().skip(base) {
        let end = segments.get(i + 1).map_or(through, |after| through.min(Lsn(after.first_lsn.0 - 1)));
        if next > end {
            continue;
        }
        let file = disk.open(&segment.path)?;
        window.clear();
        while next <= end {
            let frame = window.frame(&file, segment, offset, next)?;
            for (_, lsn, record) in frame.records().take_while(|(_, lsn, _)| *lsn <= end) {
                if lsn >= from && visit(lsn, &record).is_break() {
                    return Ok(Some(Reached { salt: segment.salt, first: next, offset }));
                }
            }
            next = frame.end_lsn();
            offset += frame.size() as u64;
        }
        offset = segment::FRAMES_AT as u64;
    }
    Ok(None)
}

/// A part of a segment's bytes.
#[derive(Debug, Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The bytes from `offset` on, at least `len` of them unless the file ends before.
    fn from(&mut self, file: &DiskFile, segment: &LiveSegment, offset: u64, len: usize) -> Result<&[u8], StorageError> {
        let skip = |start: u64| usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
        if offset < self.start || skip(self.start).saturating_add(len) > self.bytes.len() {
            let room = usize::try_from(segment.size.saturating_sub(offset)).unwrap_or(usize::MAX);
            self.start = offset;
            self.bytes.resize(CHUNK.max(len).min(room), 0);
            let read = file.read_at(&mut self.bytes, offset)?;
            self.bytes.truncate(read);
        }
        Ok(&self.bytes[skip(self.start)..])
    }

    /// The frame at `offset`, which starts with the LSN `first`.
    fn frame(
        &mut self,
        file: &DiskFile,
        segment: &LiveSegment,
        offset: u64,
        first: Lsn,
    ) -> Result<Frame<'_>, StorageError> {
        let ends = |expected: String| {
            let (offset, found) = (offset as usize, "the end of the file".to_owned());
            judge::damaged(&segment.path, Damage { offset, expected, found })
        };
        let invalid = |invalid: frame::Invalid| judge::damaged(&segment.path, invalid.at(offset as usize));
        let room = usize::try_from(segment.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let header = self.from(file, segment, offset, FRAME_HEADER)?;
        if header.len() < FRAME_HEADER {
            return Err(ends(format!("a frame that starts at LSN {first}")));
        }
        let extent = frame::extent(header, segment.salt, room).map_err(invalid)?;
        let bytes = self.from(file, segment, offset, extent)?.get(..extent);
        let bytes = bytes.ok_or_else(|| ends(format!("a frame of {extent} bytes")))?;
        let frame = frame::read(bytes, segment.salt).map_err(invalid)?;
        frame.check(first).map_err(|fault| judge::fault(&segment.path, fault.at(offset as usize)))?;
        Ok(frame)
    }
}
