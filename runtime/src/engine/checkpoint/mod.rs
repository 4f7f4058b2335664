//! The engine's side of the checkpoint: what leaves the log and the memory.
//!
//! Owns the rows ([`tables`], [`row`], [`record`]) and how records become rows
//! ([`fold`], pure), by run ([`gather`]); the background task that applies sealed segments
//! ([`task`]); how runs leave memory ([`park`]), when they wake ([`sleepers`]) and how they come back ([`load`]); what
//! is forgotten ([`retain`]); copies of a live directory ([`backup`]); space that is given back ([`compact`]); whether
//! it all adds up ([`verify`]); which rows are encrypted ([`rows`]), and with
//! which keys ([`keys`]).
//! What must always hold: a run that is not in memory has all of its records
//! in the checkpoint; a segment of the log goes only after a durable checkpoint
//! past it; a blob goes only after a durable checkpoint past all that names it.

mod backup;
mod compact;
mod fold;
mod gather;
mod keys;
mod load;
mod park;
mod record;
mod retain;
mod row;
mod rows;
mod sleepers;
mod tables;
mod task;
mod verify;

use std::fmt;
use std::time::Duration;

use crate::id::Lsn;
#[cfg(any(test, fuzzing))]
use crate::id::RunNumber;

pub use keys::KeyInUse;
pub(crate) use keys::{Used, used};
pub(crate) use load::{Found, Loaded, added_up, artifacts, awake, blobs, in_flight, load, records};
pub(crate) use park::Parking;
pub(crate) use record::Record;
pub(crate) use rows::plain;
pub(crate) use sleepers::Sleepers;
pub(crate) use task::{Checkpointer, Policy};
pub(crate) use verify::{Rows, Tail, verify as verify_rows, verify_locked};

/// What is kept of a run that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum History {
    /// Every record.
    #[default]
    Full,
    /// Its start with the input, and how it ended.
    Outcome,
}

/// How long runs that have ended are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Retention {
    /// Ended runs older than this are forgotten.
    pub(crate) age: Option<Duration>,
    /// Of the ended runs, the newest so many are kept.
    pub(crate) count: Option<u64>,
    /// The ids of forgotten runs are known for so long; for ever if this is none.
    pub(crate) tombstone_age: Option<Duration>,
    /// Of the ids of forgotten runs, the newest so many are known.
    pub(crate) tombstone_count: Option<u64>,
}

/// A row that is not as it was written: a fault of the store.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what} in the checkpoint is not as it was written: {reason}")]
pub(super) struct Broken {
    what: String,
    reason: String,
}

impl Broken {
    fn new(what: &str, reason: impl fmt::Display) -> Broken {
        Broken { what: what.to_owned(), reason: reason.to_string() }
    }

    fn at(lsn: Lsn, reason: impl fmt::Display) -> Broken {
        Broken { what: format!("the record with LSN {lsn}"), reason: reason.to_string() }
    }
}

/// Reads a row, of the sort that `sort` says, and writes it again; `None` when it is none.
#[cfg(any(test, fuzzing))]
pub(crate) fn reread(sort: u8, row: &[u8]) -> Option<Vec<u8>> {
    match sort {
        0 => row::RunRow::decode(row).ok().map(|read| match row.first() {
            Some(1 | 2) => read.encode_as_before(),
            _ => read.encode(),
        }),
        1 => row::Tomb::decode(row).ok().map(|tomb| tomb.encode()),
        2 => row::decode_blob(1, row).ok().map(|at| row::encode_blob(&at)),
        3 => record::unpack(row).ok().map(|records| {
            let stored: Vec<_> = records.iter().map(|record| record.stored(RunNumber(1))).collect();
            record::row_of(&stored)
        }),
        _ => record::Record::from_row(1, row).ok().map(|record| record::journal_row(&record.stored(RunNumber(1)))),
    }
}
