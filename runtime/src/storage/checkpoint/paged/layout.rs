//! Where things lie in the file: the stamp, the two header slots, the pages. Pure.
//!
//! Every structure carries a checksum that covers the UUID of its data directory, where it belongs, and its contents.

use uuid::Uuid;

use crate::storage::bytes::{put, u32_at, u64_at};

pub(super) const BLOCK: u64 = 4096;
/// What redb calls a page.
pub(super) const PAGE: usize = 4096;
/// The checksum behind each page.
const TRAILER: usize = 4;
/// A page and its checksum.
pub(super) const STRIDE: usize = PAGE + TRAILER;

/// The stamp takes the first block, each slot of the header one more.
pub(super) const SLOTS_AT: [u64; 2] = [BLOCK, 2 * BLOCK];
pub(super) const SLOT: usize = BLOCK as usize;
/// Page 1; page 0 is the header.
pub(super) const PAGES_AT: u64 = 3 * BLOCK;

const SEQUENCE_AT: usize = 8;
const CONTENTS_AT: usize = 16;
/// How much of page 0 a slot holds; redb uses its first 320 bytes.
pub(super) const HEADER: usize = SLOT - CONTENTS_AT;

/// The offset of a page from 1 on.
pub(super) fn page_at(page: u64) -> u64 {
    PAGES_AT + page.saturating_sub(1).saturating_mul(STRIDE as u64)
}

/// How long the file is when redb's has `len` bytes.
pub(super) fn physical(len: u64) -> u64 {
    page_at(len.div_ceil(PAGE as u64).max(1))
}

/// How long redb's file is when this one has `len` bytes: a page that is not all there does not count.
pub(super) fn logical(len: u64) -> u64 {
    (1 + len.saturating_sub(PAGES_AT) / STRIDE as u64) * PAGE as u64
}

/// The checksum of page `page`.
fn page_sum(uuid: Uuid, page: u64, contents: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(uuid.as_bytes());
    crc.update(&page.to_le_bytes());
    crc.update(contents);
    crc.finalize()
}

/// Appends a page and its checksum.
pub(super) fn seal_page(out: &mut Vec<u8>, uuid: Uuid, page: u64, contents: &[u8]) {
    out.extend_from_slice(contents);
    out.extend_from_slice(&page_sum(uuid, page, contents).to_le_bytes());
}

/// What a page can be wrong in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPage {
    pub(super) expected: u32,
    pub(super) found: u32,
}

/// The contents of a page, which with its checksum has [`STRIDE`] bytes.
pub(super) fn check_page(uuid: Uuid, page: u64, sealed: &[u8]) -> Result<&[u8], BadPage> {
    let contents = sealed.get(..PAGE).unwrap_or_default();
    let (expected, found) = (page_sum(uuid, page, contents), u32_at(sealed, PAGE));
    if expected == found { Ok(contents) } else { Err(BadPage { expected, found }) }
}

/// A header and how many were written before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) sequence: u64,
    /// The first [`HEADER`] bytes of page 0; the others are zero.
    pub(super) contents: Vec<u8>,
}

impl Header {
    /// The bytes of a slot. Both slots may hold the same.
    pub(super) fn seal(&self, uuid: Uuid) -> Vec<u8> {
        let mut slot = vec![0; SLOT];
        put(&mut slot, SEQUENCE_AT, &self.sequence.to_le_bytes());
        put(&mut slot, CONTENTS_AT, self.contents.get(..HEADER).unwrap_or(&self.contents));
        let sum = slot_sum(uuid, &slot);
        put(&mut slot, 0, &sum.to_le_bytes());
        slot
    }

    /// The header in a slot; `None` when it is not as it was written.
    pub(super) fn read(uuid: Uuid, slot: &[u8]) -> Option<Header> {
        let whole = slot.len() == SLOT && u32_at(slot, 0) == slot_sum(uuid, slot);
        whole.then(|| Header { sequence: u64_at(slot, SEQUENCE_AT), contents: slot[CONTENTS_AT..].to_vec() })
    }
}

/// The checksum of a slot: of all that stands behind it.
fn slot_sum(uuid: Uuid, slot: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(uuid.as_bytes());
    crc.update(slot.get(4..).unwrap_or_default());
    crc.finalize()
}
