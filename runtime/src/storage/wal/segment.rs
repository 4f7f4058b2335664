//! A segment: a header block, then frames, then zeros to the end of the file.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::config::MAX_SEGMENT;
use super::frame::{self, BLOCK};
use super::queue::MAX_GROUP;
use super::shared::LiveSegment;
use crate::id::Lsn;
use crate::storage::StorageError;
use crate::storage::bytes::{array, put, u64_at};
pub(super) use crate::storage::dir::WAL as DIR;
use crate::storage::disk::{Disk, DiskFile, Failure};
use crate::storage::stamp::{self, STAMP};

/// Where the first frame is.
pub(super) const FRAMES_AT: usize = BLOCK;

const MAGIC: [u8; 8] = *b"FACTUMWL";
pub(super) const SALT_AT: usize = STAMP;
const FIRST_LSN_AT: usize = SALT_AT + 8;
const SIZE_AT: usize = FIRST_LSN_AT + 8;
const UUID_AT: usize = SIZE_AT + 8;

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) salt: u64,
    pub(super) first_lsn: Lsn,
    /// The length of the file, which it has from the start.
    pub(super) size: u64,
    pub(super) uuid: Uuid,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put(&mut block, SALT_AT, &self.salt.to_le_bytes());
        put(&mut block, FIRST_LSN_AT, &self.first_lsn.0.to_le_bytes());
        put(&mut block, SIZE_AT, &self.size.to_le_bytes());
        put(&mut block, UUID_AT, self.uuid.as_bytes());
        stamp::seal(&mut block, MAGIC);
        block
    }

    /// This segment at `path`, to be read while the log is live.
    pub(super) fn live(&self, path: PathBuf) -> LiveSegment {
        LiveSegment { first_lsn: self.first_lsn, salt: self.salt, size: self.size, path }
    }

    /// The header that `block` is, of a file with the name of `first_lsn` and `len` bytes.
    pub(super) fn decode(
        block: &[u8],
        file: &Path,
        first_lsn: Lsn,
        len: u64,
        uuid: Uuid,
    ) -> Result<SegmentHeader, StorageError> {
        let damaged = |offset: usize, expected: String, found: String| {
            Err(StorageError::Damaged { file: file.to_owned(), offset: offset as u64, expected, found })
        };
        if block.len() < BLOCK {
            return damaged(0, format!("a header of {BLOCK} bytes"), block.len().to_string());
        }
        stamp::check(block, MAGIC).map_err(|fault| fault.of(file))?;
        let header = SegmentHeader {
            salt: u64_at(block, SALT_AT),
            first_lsn: Lsn(u64_at(block, FIRST_LSN_AT)),
            size: u64_at(block, SIZE_AT),
            uuid: Uuid::from_bytes(array(block, UUID_AT)),
        };
        if header.uuid != uuid {
            return Err(StorageError::ForeignSegment { file: file.to_owned(), expected: uuid, found: header.uuid });
        }
        if header.first_lsn != first_lsn {
            let expected = format!("the first LSN {first_lsn} of the file's name");
            return damaged(FIRST_LSN_AT, expected, header.first_lsn.to_string());
        }
        // Memory is taken for a whole segment: no more than one can need.
        let most = MAX_SEGMENT.max((BLOCK + frame::padded(MAX_GROUP)) as u64);
        if header.size > most {
            return damaged(SIZE_AT, format!("a length of at most {most} bytes"), header.size.to_string());
        }
        if header.size != len {
            return damaged(SIZE_AT, format!("a file of {} bytes", header.size), len.to_string());
        }
        if !len.is_multiple_of(BLOCK as u64) {
            return damaged(SIZE_AT, format!("a multiple of {BLOCK}"), len.to_string());
        }
        Ok(header)
    }
}

/// The UUID that a header block says, right or wrong.
pub(super) fn uuid_of(block: &[u8; BLOCK]) -> Uuid {
    Uuid::from_bytes(array(block, UUID_AT))
}

/// The file of the segment that starts at `first_lsn`.
pub(super) fn path(dir: &Path, first_lsn: Lsn) -> PathBuf {
    dir.join(DIR).join(format!("{:016x}.wal", first_lsn.0))
}

/// The `n`th file that is no segment now.
pub(super) fn free_path(dir: &Path, n: u64) -> PathBuf {
    dir.join(DIR).join(format!("{n:016x}.free"))
}

/// What a file in the log's directory is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Segment(Lsn),
    /// A segment whose making was cut short.
    New,
    /// A file that is to become a segment; what it holds means nothing.
    Free(u64),
}

/// Reads a file name; `None` when it is none of the log's.
pub(super) fn parse_name(name: &str) -> Option<Name> {
    let (stem, extension) = name.split_once('.')?;
    if stem.len() != 16 || !stem.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let first = u64::from_str_radix(stem, 16).ok()?;
    match extension {
        "wal" if first > 0 => Some(Name::Segment(Lsn(first))),
        "new" => Some(Name::New),
        "free" => Some(Name::Free(first)),
        _ => None,
    }
}

/// Makes a segment with `frames` in it, in the data directory `dir`, over one
/// of the same name if there is one; durable, contents and name, when it returns.
/// `file` has its size already, if it is given, and may hold anything.
///
/// It is filled to its end before it gets its name, so that a sync of a frame
/// has no metadata to write and no frame can hit a full disk.
pub(super) fn create(
    disk: &Disk,
    dir: &Path,
    header: &SegmentHeader,
    frames: &[u8],
    file: Option<DiskFile>,
) -> Result<DiskFile, Failure> {
    debug_assert!((BLOCK + frames.len()) as u64 <= header.size);
    let file = match file {
        Some(file) => file,
        None => disk.create(&path(dir, header.first_lsn).with_extension("new"))?,
    };
    file.write_all_at(&header.encode(), 0)?;
    if !frames.is_empty() {
        file.write_all_at(frames, BLOCK as u64)?;
    }
    let mut offset = (BLOCK + frames.len()) as u64;
    while offset < header.size {
        offset = zero(&file, offset, header.size)?;
    }
    name(disk, dir, header, file)
}

/// Makes a segment of a file of its size that is nothing but zeros, as [`create`] does.
pub(super) fn begin(disk: &Disk, dir: &Path, header: &SegmentHeader, spare: DiskFile) -> Result<DiskFile, Failure> {
    spare.write_all_at(&header.encode(), 0)?;
    name(disk, dir, header, spare)
}

/// Syncs a file that holds a segment, and gives it its name; durable when it returns.
fn name(disk: &Disk, dir: &Path, header: &SegmentHeader, mut file: DiskFile) -> Result<DiskFile, Failure> {
    file.sync_data()?;
    disk.rename(&mut file, path(dir, header.first_lsn))?;
    disk.sync_dir(&dir.join(DIR))?;
    Ok(file)
}

/// Writes some zeros at `from`, at most up to `to`; gives the offset after them.
pub(super) fn zero(file: &DiskFile, from: u64, to: u64) -> Result<u64, Failure> {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let some = (to - from).min(ZEROS.len() as u64);
    file.write_all_at(&ZEROS[..some as usize], from)?;
    Ok(from + some)
}
