//! Checksums, read and mended by FORMAT.md and not by the code that is tried.

use std::collections::HashSet;
use std::ops::Range;

use super::directory::Files;

const BLOCK: usize = 4096;
/// Headers of blobs stand at multiples of this.
const BLOB: usize = 64;

fn number(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes) as usize
}

/// Something with a checksum: where its first byte is, where the checksum is, and what it covers.
struct Sealed {
    at: usize,
    crc_at: usize,
    covers: [Range<usize>; 2],
}

impl Sealed {
    fn crc(&self, bytes: &[u8]) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        self.covers.iter().for_each(|range| crc.update(&bytes[range.clone()]));
        crc.finalize()
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        number(bytes, self.crc_at) == self.crc(bytes) as usize
    }

    fn all<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.at..self.covers[1].end]
    }
}

/// Whatever may stand in a file and has a checksum, as far as lengths tell.
fn sealed(bytes: &[u8]) -> Vec<Sealed> {
    let mut found = Vec::new();
    let stamped = if bytes.len() < BLOCK { bytes.len() } else { BLOCK };
    if stamped >= 16 {
        found.push(Sealed { at: 0, crc_at: 12, covers: [0..12, 16..stamped] });
    }
    for at in (BLOCK..bytes.len()).step_by(BLOB) {
        if at + BLOB <= bytes.len() && bytes[at + 4..].starts_with(b"BLOB") {
            found.push(Sealed { at, crc_at: at, covers: [at + 4..at + 4, at + 4..at + BLOB] });
        }
        let len = number(bytes, at + 4);
        if at.is_multiple_of(BLOCK) && len > 0 && len <= bytes.len().saturating_sub(at + 36) {
            found.push(Sealed { at, crc_at: at, covers: [at + 4..at + 4, at + 4..at + 36 + len] });
        }
    }
    found
}

/// Everything in these files whose checksum is right.
pub(super) fn genuine(files: &Files) -> HashSet<Vec<u8>> {
    let of = |bytes: &Vec<u8>| -> Vec<Vec<u8>> {
        let right = sealed(bytes).into_iter().filter(|sealed| sealed.holds(bytes));
        right.map(|sealed| sealed.all(bytes).to_vec()).collect()
    };
    files.values().flat_map(of).collect()
}

/// Whether a file has something with a right checksum that is not genuine: no accident does that.
pub(super) fn is_forged(bytes: &[u8], genuine: &HashSet<Vec<u8>>) -> bool {
    sealed(bytes).iter().any(|sealed| sealed.holds(bytes) && !genuine.contains(sealed.all(bytes)))
}

/// Makes every checksum in a file right.
pub(super) fn forge(bytes: &mut [u8]) {
    for sealed in sealed(bytes) {
        let crc = sealed.crc(bytes);
        bytes[sealed.crc_at..sealed.crc_at + 4].copy_from_slice(&crc.to_le_bytes());
    }
}
