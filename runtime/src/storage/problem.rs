//! What an inspection found.

use std::fmt;
use std::path::PathBuf;

/// Something in a data directory that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Where in the file it is, in bytes.
    pub offset: u64,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { file, offset, expected, found } = self;
        write!(f, "`{}` at offset {offset}: expected {expected}, found {found}", file.display())
    }
}
