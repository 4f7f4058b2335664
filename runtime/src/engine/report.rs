//! What an engine tells of itself.

use std::path::PathBuf;

use super::history::HistoryEntry;
use crate::id::{Lsn, RunId};
use crate::storage;

/// What [`Builder::open`](crate::Builder::open) found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenReport {
    /// The data directory was created.
    pub created: bool,
    /// The last engine on it was shut down, or there was none.
    pub clean: bool,
    /// The records that were replayed.
    pub records: u64,
    /// The runs that go on now.
    pub resumed: usize,
    /// The runs that sleep until a moment that is known.
    pub sleeping: usize,
    /// What was cut off the log's end: a frame that a crash tore, in which nothing was acknowledged.
    pub cut: Option<Cut>,
}

/// The end of a log that a crash tore, and that was cut off. Nothing in it was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The segment.
    pub file: PathBuf,
    /// Where the cut is, in bytes.
    pub offset: u64,
    /// The number that the next record gets.
    pub first_lsn: Lsn,
    /// How many bytes were cut off.
    pub bytes: u64,
}

impl From<storage::Cut> for Cut {
    fn from(cut: storage::Cut) -> Cut {
        Cut { file: cut.file, offset: cut.offset, first_lsn: cut.first_lsn, bytes: cut.bytes }
    }
}

/// What an engine has written to its log since it was opened, and what it holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// `fdatasync`s of the log.
    pub syncs: u64,
    /// Frames written, each with one or more records.
    pub frames: u64,
    /// Records written.
    pub records: u64,
    /// Bytes written, padding included.
    pub bytes: u64,
    /// Runs in memory.
    pub runs_in_memory: usize,
    /// The checkpoint holds everything up to here.
    pub applied: Lsn,
    /// Blobs in the arena.
    pub blobs: u64,
    /// Their bytes, with headers.
    pub blob_bytes: u64,
}

/// One durable event of any run, from [`Engine::tail`](crate::Engine::tail).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TailEntry {
    /// The run; none if it was forgotten since.
    pub run: Option<RunId>,
    /// What happened.
    pub entry: HistoryEntry,
}
