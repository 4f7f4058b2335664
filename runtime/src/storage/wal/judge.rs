//! What the frames of a log must be, taken together: pure functions.

use std::path::Path;

use super::scan::{Damage, Fault, Rest, Scanned};
use super::segment::{self, SegmentHeader};
use crate::id::Lsn;
use crate::storage::StorageError;
use crate::storage::manifest::Manifest;

/// Checks the names of the segments, which are the first LSNs, ascending, against MANIFEST and the checkpoint.
///
/// Gives the index of the first that counts: the checkpoint has all of those before it.
pub(super) fn names(dir: &Path, manifest: &Manifest, names: &[Lsn], applied: Lsn) -> Result<usize, StorageError> {
    let newest = manifest.newest_segment;
    if newest > Lsn(0) && !names.contains(&newest) {
        return Err(StorageError::MissingSegment { file: segment::path(dir, newest), first_lsn: newest });
    }
    let reach = names.iter().take_while(|first| first.0 <= applied.0.saturating_add(1)).count();
    let base = match (names.first(), reach.checked_sub(1)) {
        (Some(_), Some(base)) => base,
        (Some(&oldest), None) => {
            return Err(StorageError::CheckpointBehind { applied, oldest, file: segment::path(dir, oldest) });
        }
        (None, _) => return Ok(0),
    };
    // One segment may have been made that MANIFEST does not name yet.
    match names.iter().filter(|&&first| first > newest).nth(1) {
        Some(&first) => Err(StorageError::Damaged {
            file: segment::path(dir, first),
            offset: 0,
            expected: format!("at most one segment after {newest}, which MANIFEST names as the newest"),
            found: "another".to_owned(),
        }),
        None => Ok(base),
    }
}

/// Checks the salt of a segment: above that of the one before it, and used only if MANIFEST says so.
pub(super) fn salt(
    file: &Path,
    manifest: &Manifest,
    header: &SegmentHeader,
    before: Option<u64>,
    last: bool,
) -> Result<(), StorageError> {
    let damaged = |expected: String| {
        let (offset, found) = (segment::SALT_AT as u64, header.salt.to_string());
        Err(StorageError::Damaged { file: file.to_owned(), offset, expected, found })
    };
    if header.salt <= before.unwrap_or(0) {
        return damaged(format!("a salt above {}", before.unwrap_or(0)));
    }
    if header.salt > manifest.next_salt {
        return damaged(format!("a salt of at most {}", manifest.next_salt));
    }
    if !last && header.salt >= manifest.next_salt {
        return damaged(format!("a salt below {}", manifest.next_salt));
    }
    if header.first_lsn > manifest.newest_segment && header.salt < manifest.next_salt {
        return damaged(format!("a salt of at least {}, as MANIFEST does not name this segment", manifest.next_salt));
    }
    Ok(())
}

/// Where a segment stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the one that starts at this LSN.
    Before(Lsn),
    /// At the end of the log.
    Last {
        /// The LSN that the log was closed at, if it was.
        closed: Option<Lsn>,
        /// Whether frames may have been written to it.
        used: bool,
        /// The last LSN that the checkpoint has: it was durable.
        applied: Lsn,
    },
}

/// What was found behind the last frame and is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Torn {
    pub(super) offset: usize,
    pub(super) bytes: usize,
}

/// Judges what follows the last frame of a segment: the end, a torn tail, or damage.
pub(super) fn end(dir: &Path, file: &Path, scanned: &Scanned<'_>, place: Place) -> Result<Option<Torn>, StorageError> {
    let Scanned { next, end, .. } = *scanned;
    let damage = |damage| damaged(file, damage);
    match place {
        Place::Before(start) if next > start => {
            let other = segment::path(dir, start);
            return Err(StorageError::DoubledSegment { file: file.to_owned(), other, lsn: start });
        }
        Place::Before(start) if next < start && scanned.rest == Rest::Zeros => {
            return Err(StorageError::MissingSegment { file: segment::path(dir, next), first_lsn: next });
        }
        Place::Last { used: false, .. } if !scanned.frames.is_empty() => {
            let expected = "no frames, as MANIFEST does not know the salt of this segment".to_owned();
            let found = format!("{} of them", scanned.frames.len());
            return Err(damage(Damage { offset: segment::FRAMES_AT, expected, found }));
        }
        Place::Last { closed: Some(last), .. } if next.0 - 1 > last.0 => {
            let expected = format!("no records after LSN {last}, at which MANIFEST says the log was closed");
            return Err(damage(Damage { offset: end, expected, found: format!("records up to {}", next.0 - 1) }));
        }
        Place::Last { closed: Some(last), .. } if next.0 - 1 < last.0 && scanned.rest == Rest::Zeros => {
            let expected = format!("a frame that starts at LSN {next}, as the log was closed at LSN {last}");
            return Err(damage(Damage { offset: end, expected, found: "zeros".to_owned() }));
        }
        _ => {}
    }
    let Rest::Junk { invalid, first, end: junk_end, witness } = scanned.rest else { return Ok(None) };
    // Where nothing more was ever written, it is the zeros that are damaged and not a frame.
    let ended = match place {
        Place::Before(start) => next == start,
        Place::Last { closed: Some(last), .. } => next.0 - 1 == last.0,
        Place::Last { used, .. } => !used,
    };
    match place {
        _ if ended => {
            let (expected, found) = ("zeros after the last frame".to_owned(), "other bytes".to_owned());
            Err(damage(Damage { offset: first, expected, found }))
        }
        Place::Last { closed: None, applied, .. } if witness.is_none() && next > applied => {
            Ok(Some(Torn { offset: end, bytes: junk_end - end }))
        }
        _ => {
            let Damage { offset, mut expected, found } = invalid.at(end);
            expected.push_str(&format!(" that starts at LSN {next}"));
            if let Some(witness) = witness {
                expected.push_str(&format!(" (the frame at offset {witness} was written after that was synced)"));
            }
            Err(damage(Damage { offset, expected, found }))
        }
    }
}

/// This damage as that of `file`.
pub(super) fn damaged(file: &Path, damage: Damage) -> StorageError {
    let Damage { offset, expected, found } = damage;
    StorageError::Damaged { file: file.to_owned(), offset: offset as u64, expected, found }
}

/// This fault as that of `file`.
pub(super) fn fault(file: &Path, fault: Fault) -> StorageError {
    match fault {
        Fault::Damage(damage) => damaged(file, damage),
        Fault::Flags { offset, lsn, flags } => {
            StorageError::UnknownFlags { file: file.to_owned(), offset: offset as u64, lsn, flags }
        }
    }
}
