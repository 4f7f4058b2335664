//! Files seen as memory. The one file of this crate with `unsafe` code.
//!
//! What must always hold, so that a slice of a view is sound: the bytes of a slice are not written, by this process or
//! another, and the file does not become shorter, as long as the slice lives. The arena sees to both: it writes a
//! blob once, hands a slice out only afterwards, never shortens a segment, and the data directory is this process's
//! alone (LOCK).
#![allow(unsafe_code, reason = "a map is memory that the compiler cannot know of")]

use std::fs::File;
use std::io;

use memmap2::{MmapOptions, MmapRaw};

use crate::platform::Map;

/// The first bytes of a file, mapped for reading.
#[derive(Debug)]
pub(super) struct RealMap(MmapRaw);

impl RealMap {
    /// Maps the first `len` bytes of a file that has at least as many.
    pub(super) fn new(file: &File, len: u64) -> io::Result<RealMap> {
        let there = file.metadata()?.len();
        let too_long =
            || io::Error::new(io::ErrorKind::UnexpectedEof, format!("{len} bytes are to be mapped of {there}"));
        // A page beyond the end of the file would be a SIGBUS when it is touched.
        let len = usize::try_from(len).ok().filter(|_| len <= there).ok_or_else(too_long)?;
        Ok(RealMap(MmapOptions::new().len(len).map_raw_read_only(file)?))
    }
}

impl Map for RealMap {
    fn bytes(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let offset = usize::try_from(offset).ok()?;
        let end = offset.checked_add(len)?;
        if end > self.0.len() {
            return None;
        }
        // SAFETY: the map is `self.0.len()` bytes long and lives as long as `self`, so `offset..end` lies in one
        // allocation that outlives the slice; the file was that long when it was mapped and is not shortened, and
        // these bytes are not written any more: the arena upholds both, see the head of this file.
        Some(unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(offset), len) })
    }
}
