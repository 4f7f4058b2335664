//! The checkpoint store: what the log said up to one LSN, as rows in tables.
//!
//! Owns the contract of such a store ([`CheckpointStore`]), the one on disk ([`RedbCheckpoint`]) and the one in memory
//! ([`MemoryCheckpoint`]). Rows and keys are opaque bytes here. What must always hold: the applied LSN and the rows
//! change together, durably, or not at all; a segment of the log goes only when a store has answered that it applied
//! all of it.

mod batch;
mod error;
mod memory;
mod paged;
mod range;

use std::fmt::Debug;

pub use self::batch::{Batch, MAX_KEY, MAX_TABLE_NAME, MAX_VALUE, Op};
pub use self::error::CheckpointError;
pub use self::memory::MemoryCheckpoint;
pub use self::paged::RedbCheckpoint;
pub(crate) use self::paged::verify;
pub use self::range::KeyRange;
use crate::id::Lsn;
use crate::platform::BoxFuture;

/// A row of a run's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// The row's place in the journal, which ascends and may have gaps.
    pub sequence: u64,
    /// The row.
    pub row: Vec<u8>,
}

/// A key and its value in a table.
pub type TableRow = (Vec<u8>, Vec<u8>);

/// Where an engine keeps what its log no longer holds.
///
/// A store is written by one engine at a time, one call after the other, and may be read meanwhile. Rows and keys are
/// opaque bytes. A table is named by a short ASCII name and is there when something is in it. What a call wrote is
/// durable when it has returned `Ok`. After an error nothing, or all, of the call may have happened, unless the error's
/// own words say which; [`applied_lsn`](Self::applied_lsn) tells. A call whose future is dropped may have happened, too.
///
/// `factum::testing::checkpoint_conformance` tries a store against every clause of this contract, and
/// `#[checkpoint_store]` lets it be written with plain `async fn`s.
pub trait CheckpointStore: Debug + Send + Sync + 'static {
    /// Adds a row to a run's journal.
    ///
    /// # Errors
    /// [`CheckpointError::DuplicateSequence`] when the run has a row of this sequence; nothing has changed then.
    fn append<'a>(&'a self, run: u64, sequence: u64, row: &'a [u8]) -> BoxFuture<'a, Result<(), CheckpointError>>;

    /// A run's rows, ascending by sequence; none for a run that has none.
    fn load_run(&self, run: u64) -> BoxFuture<'_, Result<Vec<JournalRow>, CheckpointError>>;

    /// Forgets a run's rows. A run that has none is no error.
    fn clear(&self, run: u64) -> BoxFuture<'_, Result<(), CheckpointError>>;

    /// Does everything that the batch says, in its order, and sets the applied LSN: all of it or nothing.
    ///
    /// The LSN that is applied already is allowed: maintenance that no record asks for.
    ///
    /// # Errors
    /// [`CheckpointError::Stale`] when a higher LSN is applied, [`CheckpointError::DuplicateSequence`] as
    /// [`append`](Self::append); nothing has changed then.
    fn apply(&self, batch: Batch, lsn: Lsn) -> BoxFuture<'_, Result<(), CheckpointError>>;

    /// The LSN up to which the log is applied; 0 in a new store.
    fn applied_lsn(&self) -> BoxFuture<'_, Result<Lsn, CheckpointError>>;

    /// The value of a key in a table, if it is there.
    fn get<'a>(&'a self, table: &'a str, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, CheckpointError>>;

    /// Rows of a table whose keys lie in the range, in the range's order, at most `limit`.
    fn scan<'a>(
        &'a self,
        table: &'a str,
        range: KeyRange,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<TableRow>, CheckpointError>>;

    /// Gives back the space that rows no longer take. No row changes. Does nothing, unless a store says otherwise.
    ///
    /// # Errors
    /// Those of the store's own. The rows are all there then, too.
    fn compact(&self) -> BoxFuture<'_, Result<(), CheckpointError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests;
