//! Finds the frames of a segment: a pure function over its bytes.

use super::frame::{self, BLOCK, Frame, Invalid};
use crate::id::Lsn;

/// The frames of a segment and what follows them.
#[derive(Debug)]
pub(super) struct Scanned<'a> {
    /// The frames and their offsets.
    pub(super) frames: Vec<(usize, Frame<'a>)>,
    /// The LSN after the last frame's.
    pub(super) next: Lsn,
    /// The offset after the last frame.
    pub(super) end: usize,
    pub(super) rest: Rest,
}

/// What follows the last frame of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Zeros, or nothing.
    Zeros,
    /// Something that is no frame.
    Junk {
        /// Why it is no frame.
        invalid: Invalid,
        /// The offset of the first byte that is not zero.
        first: usize,
        /// The offset after the last byte that is not zero.
        end: usize,
        /// The offset of a later frame that was written when records that are
        /// missing here had been synced: they are damaged, not torn.
        witness: Option<usize>,
    },
}

/// A fault that no interrupted write explains, with its offset in the segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Flags { offset: usize, lsn: Lsn, flags: u8 },
    Damage(Damage),
}

/// What should be at an offset of the segment and what is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) offset: usize,
    pub(super) expected: String,
    pub(super) found: String,
}

/// Finds the frames of a segment that starts at `first` and has this salt.
pub(super) fn segment(bytes: &[u8], salt: u64, first: Lsn) -> Result<Scanned<'_>, Fault> {
    let bytes = &bytes[..bytes.len() - bytes.len() % BLOCK];
    let (mut frames, mut next, mut end) = (Vec::new(), first, BLOCK);
    while end < bytes.len() {
        match frame::read(&bytes[end..], salt) {
            Ok(frame) => {
                frame.check(next).map_err(|fault| fault.at(end))?;
                frames.push((end, frame));
                next = frame.end_lsn();
                end += frame.size();
            }
            Err(invalid) => {
                let rest = rest(bytes, salt, next, end, invalid);
                return Ok(Scanned { frames, next, end, rest });
            }
        }
    }
    Ok(Scanned { frames, next, end: end.min(bytes.len()), rest: Rest::Zeros })
}

/// Judges what stands at `start`, where a frame with the LSN `next` would be and is not.
pub(super) fn rest(bytes: &[u8], salt: u64, next: Lsn, start: usize, invalid: Invalid) -> Rest {
    let tail = &bytes[start..];
    let Some((first, last)) = not_zero(tail) else { return Rest::Zeros };
    let witness = (start + BLOCK..bytes.len())
        .step_by(BLOCK)
        .find(|&offset| frame::read(&bytes[offset..], salt).is_ok_and(|frame| frame.header.durable_through >= next));
    Rest::Junk { invalid, first: start + first, end: start + last + 1, witness }
}

/// The first and the last byte that is not zero. By blocks, as a tail is mostly zeros.
fn not_zero(bytes: &[u8]) -> Option<(usize, usize)> {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    let mut blocks = bytes.chunks(BLOCK).enumerate().filter(|(_, block)| **block != ZEROS[..block.len()]);
    let (first, block) = blocks.next()?;
    let (last, last_block) = blocks.next_back().unwrap_or((first, block));
    let first = first * BLOCK + block.iter().position(|&b| b != 0)?;
    Some((first, last * BLOCK + last_block.iter().rposition(|&b| b != 0)?))
}

impl frame::Fault {
    /// This fault as that of a frame that starts at `start`.
    pub(super) fn at(self, start: usize) -> Fault {
        match self {
            frame::Fault::Flags { at, lsn, flags } => Fault::Flags { offset: start + at, lsn, flags },
            frame::Fault::Other { at, expected, found } => {
                Fault::Damage(Damage { offset: start + at, expected, found })
            }
        }
    }
}

impl Invalid {
    /// What should be at `offset`, and what is.
    pub(super) fn at(self, offset: usize) -> Damage {
        let (expected, found) = match self {
            Invalid::Length { room, found } => {
                (format!("a frame with records, of at most {room} bytes"), format!("the length {found}"))
            }
            Invalid::Salt { expected, found } => (format!("a frame with the salt {expected}"), format!("{found}")),
            Invalid::Checksum { expected, found } => {
                (format!("a frame with the checksum {expected:#010x}"), format!("{found:#010x}"))
            }
        };
        Damage { offset, expected, found }
    }
}
