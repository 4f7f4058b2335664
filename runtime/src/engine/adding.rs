//! Runs that are added up from the log's tail, by several lanes at once.
//!
//! What must always hold: all records of a run come to one lane, in their order.

use std::collections::BTreeMap;

use super::checkpoint::Loaded;
use crate::id::{Lsn, RunNumber};
use crate::journal::Entry;
use crate::record::Event;
use crate::run::RunState;

/// Among how many lanes the runs are shared out. More than there are threads, so that none waits long for another.
pub(super) const LANES: usize = 4;

/// One run of those that are added up.
pub(super) struct Recovering {
    pub(super) state: RunState,
    pub(super) started: Lsn,
    pub(super) last: Lsn,
}

impl Recovering {
    /// A run that the checkpoint had.
    pub(super) fn of(loaded: Loaded) -> Box<Recovering> {
        let Loaded { state, started, last } = loaded;
        Box::new(Recovering { state, started, last })
    }

    pub(super) fn apply(&mut self, entry: &Entry) -> Result<(), String> {
        self.state.apply(entry.time, &entry.event).map_err(|illegal| illegal.to_string())?;
        self.last = entry.lsn;
        if self.state.phase.has_ended() {
            self.state.shrink();
        }
        Ok(())
    }
}

type Runs = BTreeMap<RunNumber, Box<Recovering>>;
type Strays = BTreeMap<RunNumber, Vec<Entry>>;

/// What one lane adds up.
#[derive(Default)]
pub(super) struct Adding {
    /// All but the one whose records are coming.
    pub(super) runs: Runs,
    /// The one whose records are coming.
    current: Option<(RunNumber, Box<Recovering>)>,
    pub(super) last_number: u64,
    /// Records of runs that were not in memory.
    strays: Strays,
}

impl Adding {
    /// Adds the next record of the log's tail.
    pub(super) fn add(&mut self, entry: Entry) -> Result<(), String> {
        if let Some((number, run)) = &mut self.current
            && *number == entry.run
        {
            return run.apply(&entry);
        }
        self.put_back();
        self.last_number = self.last_number.max(entry.run.0);
        match self.runs.remove(&entry.run) {
            Some(mut run) => {
                run.apply(&entry)?;
                self.current = Some((entry.run, run));
            }
            None if matches!(entry.event, Event::RunStarted { .. }) => {
                let state = RunState::new(&entry.event, entry.time).map_err(|illegal| illegal.to_string())?;
                let run = Recovering { state, started: entry.lsn, last: entry.lsn };
                self.current = Some((entry.run, Box::new(run)));
            }
            None => self.strays.entry(entry.run).or_default().push(entry),
        }
        Ok(())
    }

    fn put_back(&mut self) {
        self.runs.extend(self.current.take());
    }

    /// The runs, and the records of runs that were not in memory.
    pub(super) fn end(mut self) -> (Runs, Strays) {
        self.put_back();
        (self.runs, self.strays)
    }
}
