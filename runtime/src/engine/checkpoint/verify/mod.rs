//! Whether the rows of the checkpoint and the records of the log add up.
//!
//! What must always hold: nothing is written; what one row says of another is
//! looked at from both sides; a run is given up at its first record that does
//! not follow, and everything else goes on.

mod blob;
mod index;
mod run;
mod tail;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(crate) use self::tail::Tail;
use super::{Record, tables};
use crate::codec::{ArtifactId, BlobAt};
use crate::engine::verify::{VerifyProblem, of_store};
use crate::id::{Lsn, RunNumber};
use crate::journal::Decoder;
use crate::storage::checkpoint::{CheckpointError, CheckpointStore, KeyRange, TableRow};

/// How many rows are read at once.
const PAGE: usize = 1024;

/// What was found in rows and records.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) problems: Vec<VerifyProblem>,
    pub(crate) runs: u64,
    pub(crate) records: u64,
    /// Every blob that is to be there, and its name if it is an artifact.
    pub(crate) blobs: BTreeMap<u64, (BlobAt, Option<ArtifactId>)>,
}

/// Reads every row of a store, and what the log has behind it.
pub(crate) async fn verify(store: &dyn CheckpointStore, tail: Tail) -> Rows {
    let Tail { applied, runs, problems, decoder, .. } = tail;
    let out = Rows { problems, ..Rows::default() };
    let mut verifier = Verifier { store, applied, tail: runs, decoder, unread: false, out };
    verifier.blobs().await;
    verifier.runs().await;
    verifier.index().await;
    verifier.started_since().await;
    verifier.out
}

/// Reads the rows of a store that can be read without keys: those of blobs.
pub(crate) async fn verify_locked(store: &dyn CheckpointStore, tail: Tail) -> Rows {
    let Tail { applied, problems, decoder, .. } = tail;
    let out = Rows { problems, ..Rows::default() };
    let mut verifier = Verifier { store, applied, tail: BTreeMap::new(), decoder, unread: true, out };
    verifier.blobs().await;
    verifier.out
}

struct Verifier<'a> {
    store: &'a dyn CheckpointStore,
    applied: Lsn,
    /// What the log has of each run behind the checkpoint.
    tail: BTreeMap<RunNumber, Vec<Record>>,
    decoder: Decoder,
    /// Some rows could not be read.
    unread: bool,
    out: Rows,
}

/// A table that is read page by page.
struct Pages {
    table: &'static str,
    rest: Option<KeyRange>,
}

impl Pages {
    fn of(table: &'static str) -> Pages {
        Pages { table, rest: Some(KeyRange::all()) }
    }

    fn prefix(table: &'static str, prefix: Vec<u8>) -> Pages {
        Pages { table, rest: Some(KeyRange::prefix(prefix)) }
    }
}

impl Verifier<'_> {
    /// The next rows of a table; none at its end, or when it cannot be read, which is told.
    async fn next(&mut self, pages: &mut Pages) -> Option<Vec<TableRow>> {
        let range = pages.rest.take()?;
        match self.store.scan(pages.table, range.clone(), PAGE).await {
            Ok(page) => {
                if let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) {
                    pages.rest = Some(range.resume_after(last.clone()));
                }
                Some(page)
            }
            Err(error) => {
                self.unreadable(pages.table, &error);
                None
            }
        }
    }

    async fn all(&mut self, mut pages: Pages) -> Vec<TableRow> {
        let mut rows = Vec::new();
        while let Some(page) = self.next(&mut pages).await {
            rows.extend(page);
        }
        rows
    }

    /// A row; none if it cannot be read either, which is told.
    async fn get(&mut self, table: &'static str, key: &[u8]) -> Option<Vec<u8>> {
        match self.store.get(table, key).await {
            Ok(row) => row,
            Err(error) => {
                self.unreadable(table, &error);
                None
            }
        }
    }

    /// The row of `key` is there, as `from` says.
    async fn wants(&mut self, table: &'static str, key: Vec<u8>, from: &str) {
        if self.get(table, &key).await.is_none() {
            self.row(table, &key, format!("a row, as {from} says"), "none");
        }
    }

    fn unreadable(&mut self, table: &'static str, error: &CheckpointError) {
        self.unread = true;
        match of_store(error) {
            Some(problem) => self.tell(VerifyProblem::Bytes(problem)),
            None => self.row(table, &[], "rows that can be read".to_owned(), error),
        }
    }

    fn row(&mut self, table: &'static str, key: &[u8], expected: String, found: impl ToString) {
        self.tell(VerifyProblem::Row { table, key: hex(key), expected, found: found.to_string() });
    }

    fn record(&mut self, lsn: Lsn, run: RunNumber, expected: &str, found: impl ToString) {
        let (expected, found) = (expected.to_owned(), found.to_string());
        self.tell(VerifyProblem::Record { lsn, run: run.0, expected, found });
    }

    fn tell(&mut self, problem: VerifyProblem) {
        if !self.out.problems.contains(&problem) {
            self.out.problems.push(problem);
        }
    }
}

fn hex(key: &[u8]) -> String {
    key.iter().fold(String::new(), |mut text, byte| {
        // A `String` takes everything.
        let _: std::fmt::Result = write!(text, "{byte:02x}");
        text
    })
}
