//! Large bytes that stand beside the records: what a value holds of them.
//!
//! A [`Blob`] in a value is written as `{"$blob":<id>}`; the payload that it stands in keeps the blob itself. Where a
//! blob lies is said in the record ([`BlobAt`]) and may change; its id does not.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Where a blob lies in the arena, and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlobAt {
    /// Counted up from 1 in a data directory; a blob that moves keeps it.
    pub(crate) id: u64,
    /// The number of the arena's segment.
    pub(crate) segment: u64,
    /// Where its header is, in bytes from the segment's start.
    pub(crate) offset: u64,
    /// How many bytes it has, without its header.
    pub(crate) len: u64,
    /// CRC-32 of the bytes.
    pub(crate) crc: u32,
    /// A hash of the name of the type that the bytes encode; 0 for plain bytes.
    pub(crate) schema: u64,
}

/// Large or binary bytes, written once and read in place. Cheap to clone.
///
/// Made by `io.put(bytes)` in a step; derefs to `[u8]`.
#[derive(Clone)]
pub struct Blob {
    at: BlobAt,
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
}

impl Blob {
    /// A blob whose bytes were checked.
    pub(crate) fn new(at: BlobAt, bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Blob {
        Blob { at, bytes }
    }

    /// Where it lay when it was opened.
    pub(crate) fn at(&self) -> BlobAt {
        self.at
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Blob) -> bool {
        self.at.id == other.at.id || **self == **other
    }
}

impl Eq for Blob {}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({}, {} bytes)", self.at.id, self.at.len)
    }
}
