//! Chance.

use std::fmt;
use std::io;

/// A source of random bytes.
pub(crate) trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `buf` with random bytes.
    fn fill(&self, buf: &mut [u8]) -> io::Result<()>;
}
