//! What a checkpoint store owes the engine, clause by clause.
//!
//! `journal`, `batch` and `table` hold the clauses, each a small function over a new store. What must always hold:
//! every clause can be broken, and a store that breaks one is told which (see the tests).

mod batch;
mod journal;
mod table;

use std::fmt::Debug;
use std::sync::Arc;

use crate::platform::BoxFuture;
use crate::storage::{CheckpointError, CheckpointStore};

/// How a store breaks a clause.
#[derive(Debug)]
struct Broken(String);

impl From<CheckpointError> for Broken {
    fn from(error: CheckpointError) -> Broken {
        Broken(format!("an error where there should be none: {error}"))
    }
}

type Kept = Result<(), Broken>;
type Store<'a> = &'a dyn CheckpointStore;

/// A sentence of the contract, and what tries it on a new store.
struct Clause {
    says: &'static str,
    try_it: fn(Store<'_>) -> BoxFuture<'_, Kept>,
}

macro_rules! clause {
    ($says:literal, $function:path) => {
        Clause { says: $says, try_it: |store| Box::pin($function(store)) }
    };
}

const CLAUSES: &[Clause] = &[
    clause!("a new store is empty and at LSN 0", journal::starts_empty),
    clause!("a run's rows come back ascending by sequence, whatever the order they were added in", journal::ascends),
    clause!("a sequence that a run has is refused, and nothing changes", journal::refuses_a_duplicate),
    clause!("runs are apart, to the ends of their numbers", journal::keeps_runs_apart),
    clause!("a run that is cleared has no rows, and others have theirs", journal::clears_one_run),
    clause!("what is appended and cleared alone leaves the applied LSN", journal::leaves_the_lsn),
    clause!("rows are any bytes, none and many", journal::takes_any_bytes),
    clause!("a batch does all that it says, and sets the applied LSN", batch::does_all),
    clause!("a batch is done in its order", batch::keeps_its_order),
    clause!("a batch with a duplicate sequence changes nothing, not even the applied LSN", batch::is_atomic),
    clause!("a batch with two rows of one sequence is refused", batch::refuses_its_own_duplicate),
    clause!("an LSN below the applied one is refused, and nothing changes", batch::refuses_a_stale_lsn),
    clause!("the applied LSN can be applied again", batch::takes_the_same_lsn),
    clause!("an empty batch moves the applied LSN", batch::moves_on_when_empty),
    clause!("what is too large for a store is refused, and nothing changes", batch::refuses_what_is_too_large),
    clause!("what is as large as may be is kept", batch::keeps_what_is_large),
    clause!("a table's name is short printable ASCII", batch::refuses_a_bad_name),
    clause!("the last value of a key is the one that counts, and an empty one is one", table::overwrites),
    clause!("a key that is removed is gone, and one that is not there can be removed", table::removes),
    clause!("tables are apart", table::keeps_tables_apart),
    clause!("a scan goes by the bytes of the keys, ascending", table::scans_by_bytes),
    clause!("a scan descends when it is asked to", table::descends),
    clause!("a scan gives at most as many rows as it is asked for, from the right end", table::is_limited),
    clause!("a scan keeps to both ends of its range", table::keeps_to_the_range),
    clause!("a range that holds no key gives no rows", table::takes_an_empty_range),
];

/// Tries a checkpoint store against every clause of its contract; gives their number.
///
/// `make` gives a new, empty store for each clause.
///
/// # Panics
/// When a clause is broken, with its words and what was found.
pub async fn checkpoint_conformance(make: impl AsyncFn() -> Arc<dyn CheckpointStore>) -> usize {
    for clause in CLAUSES {
        let store = make().await;
        if let Err(Broken(how)) = (clause.try_it)(&*store).await {
            panic!("the checkpoint store breaks its contract: {}: {how}", clause.says);
        }
    }
    CLAUSES.len()
}

fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Kept {
    if found == expected {
        return Ok(());
    }
    Err(Broken(format!("{what}: expected {}, found {}", short(&expected), short(&found))))
}

/// A value for a message: large ones are cut.
fn short(value: &impl Debug) -> String {
    let mut text = format!("{value:?}");
    if let Some((cut, _)) = text.char_indices().nth(200) {
        text.truncate(cut);
        text.push_str("..");
    }
    text
}

/// A call was refused with the right error.
fn refused<T>(what: &str, answer: Result<T, CheckpointError>, right: fn(&CheckpointError) -> bool) -> Kept {
    match answer {
        Err(error) if right(&error) => Ok(()),
        Err(error) => Err(Broken(format!("{what} is refused with another error: {error:?}"))),
        Ok(_) => Err(Broken(format!("{what} is not refused"))),
    }
}

/// The sequences and rows of a run.
async fn rows(store: Store<'_>, run: u64) -> Result<Vec<(u64, Vec<u8>)>, Broken> {
    Ok(store.load_run(run).await?.into_iter().map(|row| (row.sequence, row.row)).collect())
}

#[cfg(test)]
mod tests;
