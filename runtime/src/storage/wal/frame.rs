//! A frame: one batch of records, written in one piece and synced at once.

use super::record::{self, Records};
use crate::id::Lsn;
use crate::storage::bytes::{put, u32_at, u64_at};

/// Frames start at multiples of this and take multiples of it.
pub(super) const BLOCK: usize = 4096;
/// The bytes of a frame's header; its records follow.
pub(super) const FRAME_HEADER: usize = COUNT_AT + 4;

/// What a frame's padding is: less than a block.
const ZEROS: [u8; BLOCK] = [0; BLOCK];

const CRC_AT: usize = 0;
const LEN_AT: usize = CRC_AT + 4;
const SALT_AT: usize = LEN_AT + 4;
const FIRST_LSN_AT: usize = SALT_AT + 8;
const DURABLE_THROUGH_AT: usize = FIRST_LSN_AT + 8;
const COUNT_AT: usize = DURABLE_THROUGH_AT + 8;

/// What a frame's header says of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) first_lsn: Lsn,
    /// The last LSN that was synced before this frame was written.
    pub(super) durable_through: Lsn,
    pub(super) count: u32,
}

/// A frame whose checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) header: FrameHeader,
    /// All of it, with its padding.
    bytes: &'a [u8],
    /// The records' bytes.
    records: &'a [u8],
}

/// Why bytes are no frame of a segment. A write that was cut short leaves these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invalid {
    Length { room: usize, found: u32 },
    Salt { expected: u64, found: u64 },
    Checksum { expected: u32, found: u32 },
}

/// The size on disk of a frame with `records` bytes of records.
pub(super) fn padded(records: usize) -> usize {
    (FRAME_HEADER + records).next_multiple_of(BLOCK)
}

/// Makes a frame of `bytes`, which start with room for the header, and pads it.
pub(super) fn seal(bytes: &mut Vec<u8>, salt: u64, header: FrameHeader) {
    debug_assert!(bytes.len() > FRAME_HEADER);
    let end = bytes.len();
    put(bytes, LEN_AT, &((end - FRAME_HEADER) as u32).to_le_bytes());
    put(bytes, SALT_AT, &salt.to_le_bytes());
    put(bytes, FIRST_LSN_AT, &header.first_lsn.0.to_le_bytes());
    put(bytes, DURABLE_THROUGH_AT, &header.durable_through.0.to_le_bytes());
    put(bytes, COUNT_AT, &header.count.to_le_bytes());
    put_checksum(bytes, end);
    bytes.resize(end.next_multiple_of(BLOCK), 0);
}

fn put_checksum(bytes: &mut [u8], end: usize) {
    let crc = crc32fast::hash(&bytes[LEN_AT..end]);
    put(bytes, CRC_AT, &crc.to_le_bytes());
}

/// The size on disk of the frame that starts with these header bytes, if it is
/// one with this salt that may be up to `room` bytes long.
pub(super) fn extent(header: &[u8], salt: u64, room: usize) -> Result<usize, Invalid> {
    let found = u32_at(header, LEN_AT);
    if found == 0 || found as usize > room.saturating_sub(FRAME_HEADER) {
        return Err(Invalid::Length { room, found });
    }
    let found_salt = u64_at(header, SALT_AT);
    if found_salt != salt {
        return Err(Invalid::Salt { expected: salt, found: found_salt });
    }
    Ok(padded(found as usize))
}

/// Reads the frame at the start of `bytes`, which end where its segment does:
/// whole blocks, at least one.
pub(super) fn read(bytes: &[u8], salt: u64) -> Result<Frame<'_>, Invalid> {
    let extent = extent(bytes, salt, bytes.len())?;
    let end = FRAME_HEADER + u32_at(bytes, LEN_AT) as usize;
    let (expected, found) = (crc32fast::hash(&bytes[LEN_AT..end]), u32_at(bytes, CRC_AT));
    if expected != found {
        return Err(Invalid::Checksum { expected, found });
    }
    let header = FrameHeader {
        first_lsn: Lsn(u64_at(bytes, FIRST_LSN_AT)),
        durable_through: Lsn(u64_at(bytes, DURABLE_THROUGH_AT)),
        count: u32_at(bytes, COUNT_AT),
    };
    Ok(Frame { header, bytes: &bytes[..extent], records: &bytes[FRAME_HEADER..end] })
}

/// What an intact frame can be wrong in, and where, counted from its start.
/// No write that was cut short leaves these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Flags { at: usize, lsn: Lsn, flags: u8 },
    Other { at: usize, expected: String, found: String },
}

impl<'a> Frame<'a> {
    /// Its size on disk.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Its records with their LSNs and their offsets from the frame's start.
    /// Ends early at a fault; a frame that passed [`check`](Self::check) has none.
    pub(super) fn records(&self) -> impl Iterator<Item = (usize, Lsn, record::RawRecord<'a>)> + use<'a> {
        let first = self.header.first_lsn.0;
        let intact = Records::new(self.records).map_while(Result::ok);
        (first..).zip(intact).map(|(lsn, (at, record))| (FRAME_HEADER + at, Lsn(lsn), record))
    }

    /// The LSN after its last record.
    pub(super) fn end_lsn(&self) -> Lsn {
        Lsn(self.header.first_lsn.0.saturating_add(u64::from(self.header.count)))
    }

    /// Checks what the frame says against where it stands.
    pub(super) fn check(&self, first_lsn: Lsn) -> Result<(), Fault> {
        let fault = |at, expected: String, found: String| Err(Fault::Other { at, expected, found });
        let found = self.header.first_lsn;
        if found != first_lsn {
            return fault(FIRST_LSN_AT, format!("the first LSN {first_lsn}"), found.to_string());
        }
        let found = self.header.durable_through;
        if found >= first_lsn {
            return fault(DURABLE_THROUGH_AT, format!("a durable LSN before {first_lsn}"), found.to_string());
        }
        if first_lsn.0.checked_add(u64::from(self.header.count)).is_none() {
            return fault(COUNT_AT, "LSNs below 2^64".to_owned(), self.header.count.to_string());
        }
        let end = FRAME_HEADER + self.records.len();
        let padding = &self.bytes[end..];
        if *padding != ZEROS[..padding.len()]
            && let Some(at) = padding.iter().position(|&b| b != 0)
        {
            return fault(end + at, "zero padding".to_owned(), format!("{:#04x}", self.bytes[end + at]));
        }
        record::check(self.records, self.header.count).map_err(|fault| match fault {
            record::Fault::Flags { at, index, flags } => {
                Fault::Flags { at: FRAME_HEADER + at, lsn: Lsn(first_lsn.0 + u64::from(index)), flags }
            }
            record::Fault::Other { at, expected, found } => Fault::Other { at: FRAME_HEADER + at, expected, found },
        })
    }

    /// Appends a copy with another salt to `out`. What is before it will be
    /// synced with it, before the copy is ever read: it says so.
    pub(super) fn copy(&self, salt: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.bytes);
        let copy = &mut out[start..];
        put(copy, SALT_AT, &salt.to_le_bytes());
        put(copy, DURABLE_THROUGH_AT, &(self.header.first_lsn.0 - 1).to_le_bytes());
        put_checksum(copy, FRAME_HEADER + self.records.len());
    }
}
