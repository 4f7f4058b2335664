//! What the log has behind the checkpoint.

use std::collections::BTreeMap;

use crate::engine::checkpoint::Record;
use crate::engine::verify::VerifyProblem;
use crate::id::{Lsn, RunNumber};
use crate::journal::Decoder;
use crate::storage::RawRecord;

/// The records behind the checkpoint, by run, and what is wrong with single ones.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(super) applied: Lsn,
    /// The record that comes next; one that is missing is told by whoever reads the bytes.
    next: Lsn,
    pub(super) runs: BTreeMap<RunNumber, Vec<Record>>,
    pub(super) problems: Vec<VerifyProblem>,
    pub(super) decoder: Decoder,
    /// Encrypted records that nobody has given keys for.
    locked: u64,
}

impl Tail {
    pub(crate) fn new(applied: Lsn, decoder: Decoder) -> Tail {
        let (next, runs, problems) = (Lsn(applied.0 + 1), BTreeMap::new(), Vec::new());
        Tail { applied, next, runs, problems, decoder, locked: 0 }
    }

    /// Whether there are encrypted records and no keys.
    pub(crate) fn is_locked(&self) -> bool {
        self.locked > 0
    }

    /// Takes the next record of the log, also one that the checkpoint has.
    pub(crate) fn record(&mut self, lsn: Lsn, raw: &RawRecord<'_>) {
        let record = Record::of(lsn, raw);
        if record.encrypted && !self.decoder.cipher.is_on() {
            self.locked += 1;
        } else if let Err(error) = self.decoder.event(&record.stored(RunNumber(raw.run))) {
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
            self.runs.entry(RunNumber(raw.run)).or_default().push(record);
        }
    }
}
