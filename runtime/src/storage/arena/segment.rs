//! A segment of the arena: a header block, then blobs, in space that was allocated beforehand.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::storage::StorageError;
use crate::storage::bytes::{array, put, u64_at};
use crate::storage::disk::{Disk, DiskFile, Failure};
use crate::storage::stamp::{self, STAMP};

/// The arena's directory within the data directory.
pub(super) const DIR: &str = "arena";
/// The size of the header; what one sync covers starts at a multiple of it, so that nothing is ever written into a
/// sector that holds something synced.
pub(super) const BLOCK: u64 = 4096;
/// Numbers of segments and ids of blobs count up from 1: none comes near this.
pub(super) const MOST: u64 = 1 << 63;

const MAGIC: [u8; 8] = *b"FACTUMAR";
const NUMBER_AT: usize = STAMP;
const SIZE_AT: usize = NUMBER_AT + 8;
const UUID_AT: usize = SIZE_AT + 8;

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) number: u64,
    /// The length of the file, which it has from the start.
    pub(super) size: u64,
    pub(super) uuid: Uuid,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; BLOCK as usize] {
        let mut block = [0; BLOCK as usize];
        put(&mut block, NUMBER_AT, &self.number.to_le_bytes());
        put(&mut block, SIZE_AT, &self.size.to_le_bytes());
        put(&mut block, UUID_AT, self.uuid.as_bytes());
        stamp::seal(&mut block, MAGIC);
        block
    }

    /// The header that `block` is, of a file with the name of `number` and `len` bytes.
    pub(super) fn decode(
        block: &[u8],
        file: &Path,
        number: u64,
        len: u64,
        uuid: Uuid,
    ) -> Result<SegmentHeader, StorageError> {
        let damaged = |offset: usize, expected: String, found: String| {
            Err(StorageError::Damaged { file: file.to_owned(), offset: offset as u64, expected, found })
        };
        if block.len() < BLOCK as usize {
            return damaged(0, format!("a header of {BLOCK} bytes"), block.len().to_string());
        }
        stamp::check(block, MAGIC).map_err(|fault| fault.of(file))?;
        let header = SegmentHeader {
            number: u64_at(block, NUMBER_AT),
            size: u64_at(block, SIZE_AT),
            uuid: Uuid::from_bytes(array(block, UUID_AT)),
        };
        if header.uuid != uuid {
            return Err(StorageError::ForeignSegment { file: file.to_owned(), expected: uuid, found: header.uuid });
        }
        if header.number != number {
            return damaged(NUMBER_AT, format!("the number {number} of the file's name"), header.number.to_string());
        }
        check_len(file, header.size, len)?;
        if !len.is_multiple_of(BLOCK) {
            return damaged(SIZE_AT, format!("a multiple of {BLOCK}"), len.to_string());
        }
        Ok(header)
    }
}

/// That a segment is as long as its header says.
pub(super) fn check_len(file: &Path, size: u64, len: u64) -> Result<(), StorageError> {
    if size == len {
        return Ok(());
    }
    let (expected, found) = (format!("a file of {size} bytes"), format!("{len}"));
    Err(StorageError::Damaged { file: file.to_owned(), offset: SIZE_AT as u64, expected, found })
}

/// The file of a segment.
pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(DIR).join(format!("{number:016x}.arena"))
}

/// What a file in the arena's directory is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Segment(u64),
    /// A segment whose making was cut short.
    New,
}

/// Reads a file name; `None` when it is none of the arena's.
pub(super) fn parse_name(name: &str) -> Option<Name> {
    let (stem, extension) = name.split_once('.')?;
    if stem.len() != 16 || !stem.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let number = u64::from_str_radix(stem, 16).ok()?;
    match extension {
        "arena" if (1..MOST).contains(&number) => Some(Name::Segment(number)),
        "new" => Some(Name::New),
        _ => None,
    }
}

/// Makes a segment in the data directory `dir`; its space, header and name are durable when it returns.
///
/// What was made of it is removed again when something fails, as far as that goes; the rest is an orphan that the
/// next open removes.
pub(super) fn create(disk: &Disk, dir: &Path, header: &SegmentHeader) -> Result<DiskFile, Failure> {
    let path = path(dir, header.number);
    let mut file = disk.create(&path.with_extension("new"))?;
    match make(disk, dir, header, &mut file, path) {
        Ok(()) => Ok(file),
        Err(failure) => {
            // The failure is told; that the rest of a file stays as well is no second one.
            let _: Result<(), Failure> = disk.remove(file.path());
            Err(failure)
        }
    }
}

fn make(disk: &Disk, dir: &Path, header: &SegmentHeader, file: &mut DiskFile, path: PathBuf) -> Result<(), Failure> {
    file.allocate(header.size)?;
    file.write_all_at(&header.encode(), 0)?;
    file.sync_data()?;
    disk.rename(file, path)?;
    disk.sync_dir(&dir.join(DIR))
}
