//! What can be wrong with a data directory or with its disk.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::disk::Failure;
use crate::id::Lsn;

/// An error of the write-ahead log. Cheap to clone, so that every waiter gets it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Another process, or another engine of this one, has the directory open.
    #[error("the data directory `{}` is in use by another engine", dir.display())]
    DirectoryInUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// The directory has files, but none that makes it a data directory.
    #[error("`{}` is not a data directory of factum: it has no MANIFEST, but `{}`", dir.display(), entry.display())]
    ForeignDirectory {
        /// The directory.
        dir: PathBuf,
        /// One of the entries that do not belong to factum.
        entry: PathBuf,
    },
    /// A file has the name of one of factum's, but belongs to another program.
    #[error("`{}` is of another program: it starts with `{}`", file.display(), found.escape_ascii())]
    ForeignFile {
        /// The file.
        file: PathBuf,
        /// Its first eight bytes.
        found: [u8; 8],
    },
    /// A segment belongs to another data directory.
    #[error("`{}` belongs to the data directory {found}, not to {expected}", file.display())]
    ForeignSegment {
        /// The segment.
        file: PathBuf,
        /// The UUID of this directory.
        expected: Uuid,
        /// The UUID in the segment.
        found: Uuid,
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
    /// The log has segments, but the file that says what they belong to is gone.
    #[error("the data directory `{}` has no MANIFEST, but log segments such as `{}`", dir.display(), segment.display())]
    MissingManifest {
        /// The data directory.
        dir: PathBuf,
        /// One of the segments.
        segment: PathBuf,
    },
    /// Records that were acknowledged are in no segment.
    #[error("the log segment `{}`, which starts at LSN {first_lsn}, is missing", file.display())]
    MissingSegment {
        /// The file that should be there.
        file: PathBuf,
        /// The first LSN that is in no segment.
        first_lsn: Lsn,
    },
    /// Two segments hold the same records.
    #[error("the log segments `{}` and `{}` both hold LSN {lsn}", file.display(), other.display())]
    DoubledSegment {
        /// The one segment.
        file: PathBuf,
        /// The other segment.
        other: PathBuf,
        /// The first LSN that both hold.
        lsn: Lsn,
    },
    /// The log's directory has an entry that does not belong there.
    #[error("`{}` does not belong into the log's directory", file.display())]
    UnexpectedFile {
        /// The entry.
        file: PathBuf,
    },
    /// A record has flags that this version of factum does not know.
    #[error("LSN {lsn} in `{}` at offset {offset} has unknown flags {flags:#010b}", file.display())]
    UnknownFlags {
        /// The segment.
        file: PathBuf,
        /// The record's offset, in bytes.
        offset: u64,
        /// The record.
        lsn: Lsn,
        /// All of its flags.
        flags: u8,
    },
    /// A record is intact, but whoever it was replayed into cannot take it.
    #[error("LSN {lsn} in `{}` at offset {offset} is refused: {reason}", file.display())]
    Refused {
        /// The segment.
        file: PathBuf,
        /// The record's offset, in bytes.
        offset: u64,
        /// The record.
        lsn: Lsn,
        /// Why it is refused.
        #[source]
        reason: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A group of records is larger than the log can hold.
    #[error("a group of records has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The size of the group.
        bytes: u64,
        /// The most that one group may have.
        limit: u64,
    },
    /// The operating system refused an operation; nothing was acknowledged before it.
    #[error("cannot {operation} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// A write or a sync of the log failed: nothing is acknowledged any more.
    #[error("the log is stopped for good: it could not {operation} `{}`", path.display())]
    Poisoned {
        /// What failed, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> StorageError {
        let Failure { operation, path, source } = failure;
        StorageError::Io { operation, path, source }
    }
}

impl Failure {
    /// The error of everybody once the writer has seen this failure.
    pub(super) fn poison(self) -> StorageError {
        let Failure { operation, path, source } = self;
        StorageError::Poisoned { operation, path, source }
    }
}
