//! What goes wrong with a file.

use std::io;

use crate::storage::StorageError;

/// Why a file could not be read, written or removed. Its paths are those of the requests, below the root.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The path does not lead to a file below the root.
    #[error("`{path}` is no file below the root: {reason}")]
    Path {
        /// The request's path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such file, or a directory on the way to it is missing.
    #[error("there is no file `{path}`")]
    NotFound {
        /// The request's path.
        path: String,
    },
    /// The file is larger than the transport reads.
    #[error("file `{path}` has more than {limit} bytes: raise `max_bytes` of the `Files`")]
    TooLarge {
        /// The request's path.
        path: String,
        /// How many bytes it may have.
        limit: usize,
    },
    /// The operating system refused.
    #[error("cannot {doing} `{path}`: {source}")]
    Io {
        /// What was to be done.
        doing: &'static str,
        /// The request's path.
        path: String,
        /// Why not.
        source: io::Error,
        /// The file may have changed, or may change back when the power fails.
        unknown: bool,
    },
    /// What was read is large and cannot be stored.
    #[error("what was read from `{path}` cannot be stored: {source}")]
    Storage {
        /// The request's path.
        path: String,
        /// Why not.
        source: StorageError,
    },
}

impl FileError {
    /// Whether the file may have changed.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, FileError::Io { unknown: true, .. })
    }
}

/// For steps whose error is a text.
impl From<FileError> for String {
    fn from(error: FileError) -> String {
        error.to_string()
    }
}
