//! What can be wrong with a data directory or with its disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::checkpoint::CheckpointError;
use super::crypt::CryptError;
use super::disk::{Failure, is_full};
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
    /// There is nothing of a data directory.
    #[error("`{}` is not a data directory: it has no MANIFEST and no data", dir.display())]
    NoDataDirectory {
        /// The directory, which may be absent.
        dir: PathBuf,
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
    /// There is data, but the file that says what it belongs to is gone, or was never written: half a backup.
    #[error("the data directory `{}` has no MANIFEST, but data such as `{}`: it is lost, or this is an unfinished backup", dir.display(), file.display())]
    MissingManifest {
        /// The data directory.
        dir: PathBuf,
        /// One of the files with data.
        file: PathBuf,
    },
    /// A backup was to be made where something is already.
    #[error("a backup needs an empty directory, but `{}` has `{}`", dir.display(), entry.display())]
    DirectoryNotEmpty {
        /// The directory.
        dir: PathBuf,
        /// One of its entries.
        entry: PathBuf,
    },
    /// The log does not reach back to what the checkpoint has: the checkpoint is gone, or an older one.
    #[error(
        "the checkpoint is gone or older than the log: it ends at LSN {applied}, and the log starts at LSN {oldest}, in `{}`",
        file.display()
    )]
    CheckpointBehind {
        /// The last LSN that is in the checkpoint; 0 if there is none.
        applied: Lsn,
        /// The first LSN that is in the log.
        oldest: Lsn,
        /// The segment that has it.
        file: PathBuf,
    },
    /// The checkpoint has records that the log has lost.
    #[error("the log ends at LSN {last}, before the end of the checkpoint at LSN {applied}: the log is an older one")]
    LogBehind {
        /// The last LSN in the log.
        last: Lsn,
        /// The last LSN that is in the checkpoint.
        applied: Lsn,
    },
    /// A record was to be read from the log that is in the checkpoint only.
    #[error("LSN {lsn} is not in the log any more, which starts at LSN {oldest}")]
    Retired {
        /// The record.
        lsn: Lsn,
        /// The first LSN that is in the log.
        oldest: Lsn,
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
    /// A directory of the log or of the arena has an entry that does not belong there.
    #[error("`{}` does not belong there: its directory is for files of factum alone", file.display())]
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
    /// There is no space: nothing new is begun, so that what was begun can end or be undone.
    #[error("the disk of `{}` is full", dir.display())]
    DiskFull {
        /// The data directory.
        dir: PathBuf,
    },
    /// A group of records is larger than the log can hold.
    #[error("a group of records has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The size of the group.
        bytes: u64,
        /// The most that one group may have.
        limit: u64,
    },
    /// A record or a row names a blob, but the segment that it lay in is gone.
    #[error("the arena segment `{}`, in which blob {id} lies, is missing", file.display())]
    MissingArenaSegment {
        /// The file that should be there.
        file: PathBuf,
        /// The blob.
        id: u64,
    },
    /// No record and no row names a blob of this id.
    #[error("there is no blob {id}")]
    MissingBlob {
        /// The blob.
        id: u64,
    },
    /// No blob has this content.
    #[error("there is no blob whose SHA-256 is {digest}")]
    MissingContent {
        /// The digest, in hexadecimal.
        digest: String,
    },
    /// One blob is said to lie at two places, or two blobs are said to have one content.
    #[error("blob {id} is named twice: {one}, and {other}")]
    DoubledBlob {
        /// The blob.
        id: u64,
        /// What the one row says.
        one: String,
        /// What the other one says.
        other: String,
    },
    /// A blob is larger than the arena takes; nothing of it was written.
    #[error("a blob has {bytes} bytes, more than the limit of {limit}")]
    BlobTooLarge {
        /// The size of the blob.
        bytes: u64,
        /// The most that one blob may have.
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
    /// Something encrypted cannot be read, or cannot be written.
    #[error("{place} cannot be had: {source}")]
    Encrypted {
        /// What, and where it is.
        place: String,
        /// Why.
        source: CryptError,
    },
    /// The checkpoint store.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> StorageError {
        let Failure { operation, path, source } = failure;
        StorageError::Io { operation, path, source }
    }
}

impl StorageError {
    /// This error of opening `dir`: by its own name if there was only no space.
    pub(super) fn of_opening(self, dir: &Path) -> StorageError {
        match self {
            StorageError::Io { source, .. } if is_full(&source) => StorageError::DiskFull { dir: dir.to_owned() },
            other => other,
        }
    }
}

impl Failure {
    /// The error of everybody once the writer has seen this failure.
    pub(super) fn poison(self) -> StorageError {
        let Failure { operation, path, source } = self;
        StorageError::Poisoned { operation, path, source }
    }
}
