//! One segment in memory, read, judged and ready to be replayed.

use std::hint::black_box;
use std::path::Path;

use super::judge::{self, Place, Torn};
use super::open::read_whole;
use super::record::{self, RawRecord};
use super::scan;
use super::segment::{self, SegmentHeader};
use crate::id::Lsn;
use crate::storage::StorageError;
use crate::storage::disk::Disk;

/// What memory gives at once.
const LINE: usize = 64;
/// How many of these a record is taken to have.
const TOUCHED: usize = 3;

/// What a segment has to say.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// All of its bytes.
    bytes: Vec<u8>,
    /// The records that are to be replayed, in order, without a gap.
    slots: Vec<Slot>,
    /// The LSN of the first of them.
    first: Lsn,
    /// The LSN after the segment's last record.
    pub(super) next: Lsn,
    /// The offset after its last frame.
    pub(super) end: u64,
    pub(super) torn: Option<Torn>,
    /// Its frames under another salt, if that was asked for.
    pub(super) frames: Vec<u8>,
}

/// A record: whose it is, and where its header is.
#[derive(Debug, Clone, Copy)]
struct Slot {
    run: u64,
    at: usize,
}

/// What is known of a segment before it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) dir: &'a Path,
    pub(super) path: &'a Path,
    pub(super) header: &'a SegmentHeader,
    pub(super) place: Place,
    /// The last LSN that the checkpoint has.
    pub(super) applied: Lsn,
    /// The salt under which the frames of the last segment are wanted.
    pub(super) salt: u64,
}

impl Loaded {
    /// Reads a segment into the memory that another was in, and judges it. Blocks.
    pub(super) fn load(disk: &Disk, expected: &Expected<'_>, old: Loaded) -> Result<Loaded, StorageError> {
        let Expected { dir, path, header, place, applied, salt } = *expected;
        let Loaded { mut bytes, mut slots, .. } = old;
        slots.clear();
        read_whole(disk, path, header.size, &mut bytes)?;
        let scanned =
            scan::segment(&bytes, header.salt, header.first_lsn).map_err(|fault| judge::fault(path, fault))?;
        let torn = judge::end(dir, path, &scanned, place)?;
        for &(start, frame) in &scanned.frames {
            let records = frame.records().filter(|(_, lsn, _)| *lsn > applied);
            slots.extend(records.map(|(at, _, record)| Slot { run: record.run, at: start + at }));
        }
        let (next, end) = (scanned.next, scanned.end as u64);
        let mut frames = Vec::new();
        if matches!(place, Place::Last { .. }) {
            frames.reserve_exact(scanned.end - segment::FRAMES_AT);
            scanned.frames.iter().for_each(|(_, frame)| frame.copy(salt, &mut frames));
        }
        let first = Lsn(next.0 - slots.len() as u64);
        Ok(Loaded { bytes, slots, first, next, end, torn, frames })
    }

    /// How many records are to be replayed.
    pub(super) fn len(&self) -> u64 {
        self.slots.len() as u64
    }

    /// Whose they are.
    pub(super) fn runs(&self) -> impl Iterator<Item = u64> + '_ {
        self.slots.iter().map(|slot| slot.run)
    }

    /// All of them.
    pub(super) fn records(&self) -> impl Iterator<Item = (Lsn, RawRecord<'_>)> {
        (0..self.slots.len()).map(|nth| self.record(nth))
    }

    /// One of them.
    pub(super) fn record(&self, nth: usize) -> (Lsn, RawRecord<'_>) {
        (Lsn(self.first.0 + nth as u64), record::at(&self.bytes, self.slots[nth].at))
    }

    /// Has the memory give the beginning of one of them: as much as most have.
    pub(super) fn touch(&self, nth: usize) {
        let from = &self.bytes[self.slots[nth].at..];
        black_box(from.iter().step_by(LINE).take(TOUCHED).fold(0, |sum, byte| sum ^ byte));
    }

    /// The offset of the one with this LSN.
    pub(super) fn offset(&self, lsn: Lsn) -> u64 {
        let nth = lsn.0.saturating_sub(self.first.0);
        usize::try_from(nth).ok().and_then(|nth| self.slots.get(nth)).map_or(self.end, |slot| slot.at as u64)
    }
}
