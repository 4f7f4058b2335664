//! What a run has recorded, and what its attempts took ([`attempts`]).

mod attempts;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::{ControlFlow, Deref};
use std::sync::Arc;
use std::time::SystemTime;

pub use self::attempts::{Attempt, AttemptEnd, AttemptKind};
use super::checkpoint::Record;
use super::core::Core;
use super::live::LiveRun;
use super::{Error, checkpoint};
use crate::id::{Lsn, RunNumber};
use crate::record::Event;
use crate::storage::StorageError;
use crate::time::Timestamp;

/// One durable event of a run, from [`Engine::history`](crate::Engine::history).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Its place in the log.
    pub lsn: Lsn,
    /// When it was recorded, by the wall clock.
    pub time: SystemTime,
    /// What happened.
    pub event: Event,
}

impl fmt::Display for HistoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.lsn, self.event)
    }
}

/// Everything that a run has recorded, in order. As text, a line for each event.
#[derive(Debug, Clone)]
pub struct RunHistory {
    entries: Vec<HistoryEntry>,
}

impl RunHistory {
    pub(crate) fn new(entries: Vec<HistoryEntry>) -> RunHistory {
        RunHistory { entries }
    }

    /// Every attempt of a step or of an undo, in the order in which they began.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        attempts::of(&self.entries)
    }
}

impl Deref for RunHistory {
    type Target = [HistoryEntry];

    fn deref(&self) -> &[HistoryEntry] {
        &self.entries
    }
}

impl IntoIterator for RunHistory {
    type Item = HistoryEntry;
    type IntoIter = std::vec::IntoIter<HistoryEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> IntoIterator for &'a RunHistory {
    type Item = &'a HistoryEntry;
    type IntoIter = std::slice::Iter<'a, HistoryEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl fmt::Display for RunHistory {
    /// When the run was started, in UTC, and how much later each event came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.entries.first() else { return Ok(()) };
        let began = Timestamp::from(first.time);
        writeln!(f, "{}", began.to_rfc3339())?;
        for HistoryEntry { time, event, .. } in &self.entries {
            let later = Timestamp::from(*time).since(began);
            writeln!(f, "{:>+12.3} s  {event}", later.as_secs_f64())?;
        }
        Ok(())
    }
}

impl Core {
    /// Every durable event of a run.
    pub(crate) async fn history(self: &Arc<Self>, id: &str) -> Result<RunHistory, Error> {
        let run = self.obtain(id).await?;
        let records = self.records_of(&run).await?;
        let entries: Result<_, Error> = records.iter().map(|record| self.entry(run.number, record)).collect();
        entries.map(RunHistory::new)
    }

    /// Every durable record of a run, from the checkpoint and from the log behind it. Of the log only that is read in
    /// which the run can have something.
    pub(crate) async fn records_of(&self, run: &LiveRun) -> Result<Vec<Record>, Error> {
        loop {
            let mut newer = Vec::new();
            // Of one that has ended only its deletion may follow.
            let deleting = self.checkpoint.is_deleting(run.number);
            let last = if deleting { Lsn(u64::MAX) } else { run.lock().last };
            let from = Lsn(self.checkpoint.applied().0 + 1).max(run.started);
            let read = match from <= last {
                true => self.journal.read(from, last, &mut |lsn, raw| {
                    if raw.run == run.number.0 {
                        newer.push(Record::of(lsn, raw));
                    }
                    ControlFlow::Continue(())
                }),
                false => Ok(()),
            };
            match read {
                // It was applied and went while it was to be read.
                Err(StorageError::Retired { .. }) => continue,
                read => read?,
            }
            let store = &*self.checkpoint.store;
            let mut records =
                checkpoint::records(store, run.number).await.map_err(StorageError::from)?.unwrap_or_default();
            // What was applied meanwhile is in both.
            let applied = records.last().map_or(Lsn(0), |record| record.lsn);
            records.extend(newer.into_iter().filter(|record| record.lsn > applied));
            return Ok(records);
        }
    }

    pub(super) fn entry(&self, run: RunNumber, record: &Record) -> Result<HistoryEntry, Error> {
        let event = self.journal.decoder().event(&record.stored(run));
        let event = event.map_err(|error| Error::Internal { reason: error.to_string() })?;
        Ok(HistoryEntry { lsn: record.lsn, time: record.time.into(), event })
    }
}
