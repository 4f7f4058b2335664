//! Reads a log while it is live.

use std::ops::ControlFlow;

use super::frame::{self, FRAME_HEADER, Frame};
use super::judge;
use super::record::RawRecord;
use super::scan::Damage;
use super::segment;
use super::shared::Readable;
use crate::id::Lsn;
use crate::storage::StorageError;
use crate::storage::disk::Disk;

/// Visits the records from `from` through `through`, a frame at a time. Only the segments that hold them are read.
pub(super) fn records(
    disk: &Disk,
    readable: &Readable,
    from: Lsn,
    through: Lsn,
    visit: &mut dyn FnMut(Lsn, &RawRecord<'_>) -> ControlFlow<()>,
) -> Result<(), StorageError> {
    let (segments, through) = (&readable.segments, through.min(readable.through));
    if from > through {
        return Ok(());
    }
    let before = segments.partition_point(|segment| segment.first_lsn <= from);
    let Some(base) = before.checked_sub(1) else {
        let oldest = segments.first().map_or(Lsn(through.0 + 1), |segment| segment.first_lsn);
        return Err(StorageError::Retired { lsn: from, oldest });
    };
    let mut bytes = Vec::new();
    let mut next = segments[base].first_lsn;
    for (i, segment) in segments.iter().enumerate().skip(base) {
        let end = segments.get(i + 1).map_or(through, |after| through.min(Lsn(after.first_lsn.0 - 1)));
        if next > end {
            continue;
        }
        let file = disk.open(&segment.path)?;
        let mut offset = segment::FRAMES_AT as u64;
        while next <= end {
            let damaged = |at: usize, expected: String, found: String| {
                judge::damaged(&segment.path, Damage { offset: offset as usize + at, expected, found })
            };
            let room = usize::try_from(segment.size - offset).unwrap_or(usize::MAX);
            let mut header = [0; FRAME_HEADER];
            if file.read_at(&mut header, offset)? < FRAME_HEADER {
                return Err(damaged(0, format!("a frame that starts at LSN {next}"), "the end of the file".to_owned()));
            }
            let invalid = |invalid: frame::Invalid| judge::damaged(&segment.path, invalid.at(offset as usize));
            bytes.resize(frame::extent(&header, segment.salt, room).map_err(invalid)?, 0);
            if file.read_at(&mut bytes, offset)? < bytes.len() {
                let expected = format!("a frame of {} bytes", bytes.len());
                return Err(damaged(0, expected, "the end of the file".to_owned()));
            }
            let frame: Frame<'_> = frame::read(&bytes, segment.salt).map_err(invalid)?;
            frame.check(next).map_err(|fault| judge::fault(&segment.path, fault.at(offset as usize)))?;
            for (_, lsn, record) in frame.records().take_while(|(_, lsn, _)| *lsn <= end) {
                if lsn >= from && visit(lsn, &record).is_break() {
                    return Ok(());
                }
            }
            next = frame.end_lsn();
            offset += frame.size() as u64;
        }
    }
    Ok(())
}
