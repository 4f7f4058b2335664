//! What can be wrong with a checkpoint store.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use crate::id::Lsn;
use crate::storage::disk::Failure;
use crate::storage::stamp::Fault;

/// An error of a checkpoint store. Cheap to clone.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A run has a row of this sequence already; nothing has changed.
    #[error("run {run} has a row of sequence {sequence} already")]
    DuplicateSequence {
        /// The run.
        run: u64,
        /// The sequence.
        sequence: u64,
    },
    /// A higher LSN is applied already; nothing has changed.
    #[error("LSN {lsn} cannot be applied: the checkpoint is at LSN {applied}")]
    Stale {
        /// What is applied.
        applied: Lsn,
        /// What was to be applied.
        lsn: Lsn,
    },
    /// A key, a row or a value is larger than a store can hold; nothing has changed.
    #[error("a {what} has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// How large it is.
        bytes: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A table's name is empty, too long, or not printable ASCII; nothing has changed.
    #[error("`{}` cannot name a table", name.escape_debug())]
    BadTable {
        /// The name, or how it begins.
        name: String,
    },
    /// A file has the name of the store's, but belongs to another program.
    #[error("`{}` is of another program: it starts with `{}`", file.display(), found.escape_ascii())]
    ForeignFile {
        /// The file.
        file: PathBuf,
        /// Its first eight bytes.
        found: [u8; 8],
    },
    /// A file was written by a newer version of factum.
    #[error("`{}` has format version {found}; this version of factum reads up to {supported}", file.display())]
    NewerFormat {
        /// The file.
        file: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest format version that can be read.
        supported: u32,
    },
    /// The store belongs to another data directory.
    #[error("`{}` belongs to the data directory {found}, not to {expected}", file.display())]
    OtherDirectory {
        /// The file.
        file: PathBuf,
        /// The UUID of this directory.
        expected: Uuid,
        /// The UUID in the file.
        found: Uuid,
    },
    /// A file is not as it was written.
    #[error("`{}` is damaged at offset {offset}: expected {expected}, found {found}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The offset of the damaged structure, in bytes.
        offset: u64,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// There is no space left; the call can be tried again when there is some.
    #[error("no space to {operation} `{}`", path.display())]
    Full {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The operating system refused an operation.
    #[error("cannot {operation} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// A sync failed: nothing is read or applied any more in this process.
    #[error("the checkpoint is stopped for good: it could not {operation} `{}`", path.display())]
    Poisoned {
        /// What failed, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The code of a store panicked; the call may have happened.
    #[error("the checkpoint store panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// An error of a store's own.
    #[error("{source}")]
    Other {
        /// The error.
        source: Arc<dyn Error + Send + Sync>,
        /// Whether the same call may succeed later.
        transient: bool,
    },
}

impl CheckpointError {
    /// A store's own error, after which the same call would fail again.
    pub fn other(source: impl Into<Box<dyn Error + Send + Sync>>) -> CheckpointError {
        CheckpointError::Other { source: source.into().into(), transient: false }
    }

    /// A store's own error, after which the same call may succeed.
    pub fn transient(source: impl Into<Box<dyn Error + Send + Sync>>) -> CheckpointError {
        CheckpointError::Other { source: source.into().into(), transient: true }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, CheckpointError::Full { .. } | CheckpointError::Other { transient: true, .. })
    }

    /// What a refused operation on a file is, if it was no sync.
    pub(super) fn refused(failure: Failure) -> CheckpointError {
        let Failure { operation, path, source } = failure;
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                CheckpointError::Full { operation, path, source }
            }
            _ => CheckpointError::Io { operation, path, source },
        }
    }

    /// What a failed sync is.
    pub(super) fn poison(failure: Failure) -> CheckpointError {
        let Failure { operation, path, source } = failure;
        CheckpointError::Poisoned { operation, path, source }
    }

    /// What a fault of the stamp of `file` is.
    pub(super) fn stamp(fault: Fault, file: PathBuf) -> CheckpointError {
        match fault {
            Fault::Magic { found, .. } if found != [0; 8] => CheckpointError::ForeignFile { file, found },
            Fault::Newer { found, supported } => CheckpointError::NewerFormat { file, found, supported },
            fault => {
                let (offset, expected, found) = fault.words();
                CheckpointError::Damaged { file, offset, expected, found }
            }
        }
    }
}
