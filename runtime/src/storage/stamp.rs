//! The first sixteen bytes of every file: magic, format version, checksum.
//!
//! They are the same in every version of the format, and the checksum always
//! covers the rest of the stamped block, so that a newer file and a damaged one
//! can be told apart for ever.

use std::path::Path;

use super::bytes::{array, put, u32_at};
use super::error::StorageError;

/// The version of everything that is written, but for what has another.
pub(super) const FORMAT_VERSION: u32 = 1;
/// The version of the MANIFEST of a directory that is encrypted: whoever cannot decrypt it cannot know it either.
pub(super) const ENCRYPTED_VERSION: u32 = 2;
/// The bytes that a stamp takes at the start of a block.
pub(super) const STAMP: usize = 16;

const VERSION_AT: usize = 8;
const CRC_AT: usize = 12;

/// Writes the stamp of a block whose other bytes are final.
pub(super) fn seal(block: &mut [u8], magic: [u8; 8]) {
    seal_as(block, magic, FORMAT_VERSION);
}

/// As [`seal`], of a version.
pub(super) fn seal_as(block: &mut [u8], magic: [u8; 8], version: u32) {
    put(block, 0, &magic);
    put(block, VERSION_AT, &version.to_le_bytes());
    let crc = checksum(block);
    put(block, CRC_AT, &crc.to_le_bytes());
}

/// What a stamp can be wrong in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Short { found: usize },
    Magic { expected: [u8; 8], found: [u8; 8] },
    Checksum { expected: u32, found: u32 },
    Newer { found: u32, supported: u32 },
    Version { found: u32 },
}

/// Checks the stamp of a block.
pub(super) fn check(block: &[u8], magic: [u8; 8]) -> Result<(), Fault> {
    check_up_to(block, magic, FORMAT_VERSION).map(drop)
}

/// Checks the stamp of a block whose version is `newest` or an older one; gives the version.
pub(super) fn check_up_to(block: &[u8], magic: [u8; 8], newest: u32) -> Result<u32, Fault> {
    if block.len() < STAMP {
        return Err(Fault::Short { found: block.len() });
    }
    let found = array(block, 0);
    if found != magic {
        return Err(Fault::Magic { expected: magic, found });
    }
    let (expected, found) = (checksum(block), u32_at(block, CRC_AT));
    if expected != found {
        return Err(Fault::Checksum { expected, found });
    }
    match u32_at(block, VERSION_AT) {
        found if found > newest => Err(Fault::Newer { found, supported: newest }),
        found if found >= FORMAT_VERSION => Ok(found),
        found => Err(Fault::Version { found }),
    }
}

impl Fault {
    /// This fault as that of `file`, whose name alone makes it one of factum's.
    pub(super) fn of(self, file: &Path) -> StorageError {
        if let Fault::Newer { found, supported } = self {
            return StorageError::NewerFormat { file: file.to_owned(), found, supported };
        }
        let (offset, expected, found) = self.words();
        StorageError::Damaged { file: file.to_owned(), offset, expected, found }
    }

    /// The offset, what should be there, and what is there.
    pub(super) fn words(self) -> (u64, String, String) {
        let (offset, expected, found) = match self {
            Fault::Short { found } => (0, format!("at least {STAMP} bytes"), format!("{found}")),
            Fault::Magic { expected, found } => {
                (0, format!("`{}`", expected.escape_ascii()), format!("`{}`", found.escape_ascii()))
            }
            Fault::Checksum { expected, found } => {
                (CRC_AT, format!("the checksum {expected:#010x}"), format!("{found:#010x}"))
            }
            Fault::Newer { found, .. } | Fault::Version { found } => {
                (VERSION_AT, format!("the format version {FORMAT_VERSION}"), format!("{found}"))
            }
        };
        (offset as u64, expected, found)
    }
}

fn checksum(block: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&block[..CRC_AT]);
    crc.update(&block[STAMP..]);
    crc.finalize()
}
