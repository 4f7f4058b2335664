//! An error of recovery as one problem among others.

use std::path::{Path, PathBuf};

use super::segment;
use crate::storage::{Problem, StorageError};

/// What is wrong where; `dir` is the data directory.
pub(super) fn of(error: StorageError, dir: &Path) -> Problem {
    let (file, offset, expected, found): (PathBuf, u64, String, String) = match error {
        StorageError::Damaged { file, offset, expected, found } => (file, offset, expected, found),
        StorageError::ForeignFile { file, found } => {
            (file, 0, "a file of factum".to_owned(), format!("`{}`", found.escape_ascii()))
        }
        StorageError::ForeignSegment { file, expected, found } => {
            (file, 0, format!("a segment of the data directory {expected}"), format!("one of {found}"))
        }
        StorageError::NewerFormat { file, found, supported } => {
            (file, 0, format!("a format version of at most {supported}"), found.to_string())
        }
        StorageError::MissingSegment { file, first_lsn } => {
            (file, 0, format!("the segment that starts at LSN {first_lsn}"), "nothing".to_owned())
        }
        StorageError::DoubledSegment { file, other, lsn } => {
            (file, 0, format!("LSN {lsn} in one segment only"), format!("it is in `{}` too", other.display()))
        }
        StorageError::UnexpectedFile { file } => (file, 0, "only files of the log".to_owned(), "another".to_owned()),
        StorageError::UnknownFlags { file, offset, lsn, flags } => {
            (file, offset, format!("known flags of LSN {lsn}"), format!("{flags:#010b}"))
        }
        StorageError::CheckpointBehind { applied, oldest, file } => {
            (file, 0, format!("LSN {}, as the checkpoint ends before it", applied.0 + 1), format!("LSN {oldest}"))
        }
        StorageError::LogBehind { last, applied } => {
            let expected = format!("LSN {applied}, which the checkpoint has");
            (dir.join(segment::DIR), 0, expected, format!("an end at LSN {last}"))
        }
        StorageError::Io { operation, path, source } => {
            (path, 0, format!("to be able to {operation} it"), source.to_string())
        }
        other => (dir.to_owned(), 0, "a sound log".to_owned(), other.to_string()),
    };
    Problem { file, offset, expected, found }
}
