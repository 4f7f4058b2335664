//! What can be wrong with the lines of an import.

use std::io;
use std::sync::Arc;

use crate::id::Lsn;

/// Why a line of an import is refused. Nothing of the import was recorded.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The reader failed.
    #[error("it cannot be read: {source}")]
    Read {
        /// Why.
        source: Arc<io::Error>,
    },
    /// No export has such a line.
    #[error("it has more than {limit} bytes")]
    LineTooLong {
        /// The most bytes that a line may have.
        limit: u64,
    },
    /// The first line is not that of an export.
    #[error("expected `{{\"factum\":\"run\",..}}`, the first line of an exported run, found `{found}`")]
    NotAnExport {
        /// How it begins.
        found: String,
    },
    /// Another version wrote it.
    #[error("the export has format {found}, this version reads {known}")]
    OtherFormat {
        /// Its format.
        found: u64,
        /// The format that this version reads.
        known: u64,
    },
    /// The line is not what it should be.
    #[error("expected {expected}: {reason}")]
    Malformed {
        /// What it should be.
        expected: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// The lines end before the one that says so.
    #[error("the export is cut off: expected `{{\"end\":true,..}}` in the end, found no more lines")]
    Cut,
    /// There are lines behind the last one.
    #[error("expected nothing behind the last line, found `{found}`")]
    BehindTheEnd {
        /// How it begins.
        found: String,
    },
    /// Something else is written twice and differs, or was counted.
    #[error("expected {what} {expected}, found {found}")]
    Differs {
        /// What.
        what: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The records are not in order.
    #[error("expected an LSN above {last}, found {found}")]
    Order {
        /// The last record's.
        last: Lsn,
        /// This one's.
        found: Lsn,
    },
    /// A blob is not what its line says.
    #[error("blob {id}: expected {expected}, found {found}")]
    Blob {
        /// The blob's id in the export.
        id: u64,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A record names a blob that no line before it has.
    #[error("the record names blob {id}, which no line before it has")]
    MissingBlob {
        /// The blob's id in the export.
        id: u64,
    },
    /// A blob does not stand in the value that is said to hold it, or stands in a string there, so that it could not get another id.
    #[error("blob {id} cannot be told in the record's value: expected it to stand there as `{{\"$blob\":{id}}}`")]
    HiddenBlob {
        /// The blob's id in the export.
        id: u64,
    },
    /// No engine could have recorded that value or name.
    #[error("no engine has recorded this: {reason}")]
    Impossible {
        /// Why not.
        reason: String,
    },
    /// The record cannot follow those before it.
    #[error("the records do not add up: {reason}")]
    Illegal {
        /// Why not.
        reason: String,
    },
}
