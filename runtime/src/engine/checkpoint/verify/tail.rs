//! What the log has behind the checkpoint.

use std::collections::BTreeMap;

use crate::engine::checkpoint::Record;
use crate::engine::verify::VerifyProblem;
use crate::id::{Lsn, RunNumber};
use crate::record::Event;
use crate::storage::RawRecord;

/// The records behind the checkpoint, by run, and what is wrong with single ones.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(super) applied: Lsn,
    /// The record that comes next; one that is missing is told by whoever reads the bytes.
    next: Lsn,
    pub(super) runs: BTreeMap<RunNumber, Vec<Record>>,
    pub(super) problems: Vec<VerifyProblem>,
}

impl Tail {
    pub(crate) fn new(applied: Lsn) -> Tail {
        Tail { applied, next: Lsn(applied.0 + 1), runs: BTreeMap::new(), problems: Vec::new() }
    }

    /// Takes the next record of the log, also one that the checkpoint has.
    pub(crate) fn record(&mut self, lsn: Lsn, raw: &RawRecord<'_>) {
        if let Err(error) = Event::decode(raw.kind, raw.body, None) {
            self.problems.push(VerifyProblem::Record {
                lsn,
                run: raw.run,
                expected: "a record that this version knows".to_owned(),
                found: error.to_string(),
            });
        }
        // What stands behind a gap cannot be added up.
        if lsn == self.next {
            self.next = Lsn(lsn.0 + 1);
            self.runs.entry(RunNumber(raw.run)).or_default().push(Record::of(lsn, raw));
        }
    }
}
