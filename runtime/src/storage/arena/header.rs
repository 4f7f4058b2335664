//! The 64 bytes before a blob: enough to check it alone, and the same that its record says.

use std::path::Path;

use super::segment::{BLOCK, MOST};
use crate::codec::BlobAt;
use crate::storage::StorageError;
use crate::storage::bytes::{put, u32_at, u64_at};
use crate::storage::crypt::{CryptError, MOST_EXTRA, Of};

/// The size of a blob's header. Headers start at multiples of it.
pub(super) const HEADER: u64 = 64;
/// The most bytes that a blob may have: 1 GiB.
pub(crate) const MAX_BLOB: u64 = 1 << 30;

const MAGIC: u32 = u32::from_le_bytes(*b"BLOB");
const CRC_AT: usize = 0;
const MAGIC_AT: usize = 4;
const ID_AT: usize = 8;
const LEN_AT: usize = 16;
const SEGMENT_AT: usize = 24;
const OFFSET_AT: usize = 32;
const SCHEMA_AT: usize = 40;
const CONTENT_CRC_AT: usize = 48;
const ENCRYPTED_AT: usize = 52;
const RESERVED_AT: usize = 53;

/// The bytes that a blob takes in a segment.
pub(super) fn footprint(len: u64) -> u64 {
    (HEADER + len).next_multiple_of(HEADER)
}

/// Where a blob ends that lies within its segment.
pub(super) fn end(at: &BlobAt) -> u64 {
    at.offset + footprint(at.len)
}

/// Where a blob's bytes begin.
pub(super) fn content(at: &BlobAt) -> u64 {
    at.offset + HEADER
}

/// The header of the blob that lies there.
pub(super) fn encode(at: &BlobAt) -> [u8; HEADER as usize] {
    let mut bytes = [0; HEADER as usize];
    put(&mut bytes, MAGIC_AT, &MAGIC.to_le_bytes());
    put(&mut bytes, ID_AT, &at.id.to_le_bytes());
    put(&mut bytes, LEN_AT, &at.len.to_le_bytes());
    put(&mut bytes, SEGMENT_AT, &at.segment.to_le_bytes());
    put(&mut bytes, OFFSET_AT, &at.offset.to_le_bytes());
    put(&mut bytes, SCHEMA_AT, &at.schema.to_le_bytes());
    put(&mut bytes, CONTENT_CRC_AT, &at.crc.to_le_bytes());
    put(&mut bytes, ENCRYPTED_AT, &[u8::from(at.encrypted)]);
    let crc = crc32fast::hash(&bytes[MAGIC_AT..]);
    put(&mut bytes, CRC_AT, &crc.to_le_bytes());
    bytes
}

/// That a record or a row names a place that can be one, in a segment of `size` bytes at `file`.
pub(super) fn check_place(at: &BlobAt, file: &Path, size: u64) -> Result<(), StorageError> {
    let most = if at.encrypted { MAX_BLOB + MOST_EXTRA } else { MAX_BLOB };
    let fits = at.len <= most && at.offset <= size && footprint(at.len) <= size - at.offset;
    let aligned = at.offset >= BLOCK && at.offset.is_multiple_of(HEADER);
    if fits && aligned && (1..MOST).contains(&at.id) {
        return Ok(());
    }
    let expected = format!("a blob that can lie in the {size} bytes of the segment, as its record says");
    let found = format!("blob {} of {} bytes", at.id, at.len);
    Err(StorageError::Damaged { file: file.to_owned(), offset: at.offset, expected, found })
}

/// That the header in `file` is that of the blob which a record places there.
pub(super) fn check(bytes: &[u8], at: &BlobAt, file: &Path) -> Result<(), StorageError> {
    let damaged = |field: usize, expected: String, found: String| {
        Err(StorageError::Damaged { file: file.to_owned(), offset: at.offset + field as u64, expected, found })
    };
    if bytes.len() < HEADER as usize {
        return damaged(0, format!("the {HEADER} bytes of a blob's header"), bytes.len().to_string());
    }
    if bytes == encode(at) {
        return Ok(());
    }
    let (crc, found) = (crc32fast::hash(&bytes[MAGIC_AT..HEADER as usize]), u32_at(bytes, CRC_AT));
    if crc != found {
        return damaged(CRC_AT, format!("the checksum {crc:#010x}"), format!("{found:#010x}"));
    }
    if u32_at(bytes, MAGIC_AT) != MAGIC {
        return damaged(MAGIC_AT, "the mark of a blob".to_owned(), format!("{:#010x}", u32_at(bytes, MAGIC_AT)));
    }
    let fields = [
        (ID_AT, "the id", at.id, u64_at(bytes, ID_AT)),
        (LEN_AT, "the length", at.len, u64_at(bytes, LEN_AT)),
        (SEGMENT_AT, "the segment's number", at.segment, u64_at(bytes, SEGMENT_AT)),
        (OFFSET_AT, "the offset", at.offset, u64_at(bytes, OFFSET_AT)),
        (SCHEMA_AT, "the schema", at.schema, u64_at(bytes, SCHEMA_AT)),
        (CONTENT_CRC_AT, "the checksum of the bytes", u64::from(at.crc), u64::from(u32_at(bytes, CONTENT_CRC_AT))),
        (ENCRYPTED_AT, "whether it is encrypted as", u64::from(at.encrypted), u64::from(bytes[ENCRYPTED_AT])),
    ];
    match fields.into_iter().find(|(_, _, expected, found)| expected != found) {
        Some((field, name, expected, found)) => {
            damaged(field, format!("{name} {expected}, as the blob's record says"), found.to_string())
        }
        None => damaged(RESERVED_AT, "zeros".to_owned(), "something else".to_owned()),
    }
}

/// That the bytes are those that the blob's record says.
pub(super) fn check_content(bytes: &[u8], at: &BlobAt, file: &Path) -> Result<(), StorageError> {
    check_crc(crc32fast::hash(bytes), at, file)
}

/// That the checksum of the bytes is the one that the blob's record says.
pub(super) fn check_crc(found: u32, at: &BlobAt, file: &Path) -> Result<(), StorageError> {
    if found == at.crc {
        return Ok(());
    }
    let (expected, found) = (format!("bytes with the checksum {:#010x}", at.crc), format!("{found:#010x}"));
    Err(StorageError::Damaged { file: file.to_owned(), offset: content(at), expected, found })
}

/// What an encrypted blob is tied to: it may move.
pub(super) fn of(at: &BlobAt) -> Of<'_> {
    Of::Blob { id: at.id, schema: at.schema }
}

/// Why a blob cannot be decrypted, or encrypted.
pub(super) fn locked(at: &BlobAt, file: &Path, source: CryptError) -> StorageError {
    let place = format!("blob {} in `{}` at offset {}", at.id, file.display(), at.offset);
    StorageError::Encrypted { place, source }
}
