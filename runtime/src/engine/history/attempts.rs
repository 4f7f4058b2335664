//! Attempts, added up from a run's records alone: a pure function.
//!
//! What must always hold: an attempt whose end nobody recorded is never told to have succeeded or failed.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::HistoryEntry;
use crate::id::Position;
use crate::record::{Cause, Event, UndoKind};
use crate::time::Timestamp;

/// One attempt of a step's body, or of the undo of one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The name of the step whose body it is; of a linked child that is cancelled, the child's id.
    pub step: String,
    /// Where the step is; of an undo, where the step is that it undoes.
    pub at: Position,
    /// What it is for.
    pub kind: AttemptKind,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When it began.
    pub started: SystemTime,
    /// When it ended; none if it runs, or if nobody knows.
    pub ended: Option<SystemTime>,
    /// How it ended.
    pub end: AttemptEnd,
}

impl Attempt {
    /// How long it took, by the wall clock; none if it runs, or if nobody knows.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        self.ended.map(|ended| Timestamp::from(ended).since(self.started.into()))
    }
}

/// What an attempt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptKind {
    /// The step itself.
    Step,
    /// The undo of a step.
    Compensation(UndoKind),
}

/// How an attempt ended, as far as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// It has not ended.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed, and is known not to have done what it should.
    Failed(Cause),
    /// Nobody knows what it did: a cause such as a timeout, or none if the process ended under it.
    Unknown(Option<Cause>),
}

/// The attempts that the records of one run tell of, in the order in which they began.
pub(super) fn of(entries: &[HistoryEntry]) -> Vec<Attempt> {
    let mut added = Attempts::default();
    entries.iter().for_each(|entry| added.add(entry));
    added.attempts
}

/// Attempts, as far as the records have been added up.
#[derive(Default)]
struct Attempts {
    attempts: Vec<Attempt>,
    /// Those in the air, by whether they undo and by place.
    open: HashMap<(bool, Position), usize>,
    /// Of the groups that are decided, the branch that has won.
    won: HashMap<Position, u32>,
}

impl Attempts {
    fn add(&mut self, entry: &HistoryEntry) {
        match &entry.event {
            Event::StepAttempted { at, step, attempt, .. } => {
                self.begin(entry, at, AttemptKind::Step, step, *attempt);
            }
            Event::CompensationStarted { of, kind, step, attempt } => {
                self.begin(entry, of, AttemptKind::Compensation(*kind), step, *attempt);
            }
            Event::StepDone { at, .. } => self.end(entry, false, at, AttemptEnd::Succeeded),
            Event::CompensationDone { of } => self.end(entry, true, of, AttemptEnd::Succeeded),
            Event::AttemptFailed { at, cause, unknown, .. } | Event::StepFailed { at, cause, unknown } => {
                let end = match unknown {
                    true => AttemptEnd::Unknown(Some(cause.clone())),
                    false => AttemptEnd::Failed(cause.clone()),
                };
                self.end(entry, false, at, end);
            }
            Event::CompensationFailed { of, cause, .. } => {
                let end = match cause {
                    Cause::Aborted | Cause::TimedOut { .. } | Cause::Panicked { .. } => {
                        AttemptEnd::Unknown(Some(cause.clone()))
                    }
                    _ => AttemptEnd::Failed(cause.clone()),
                };
                self.end(entry, true, of, end);
            }
            Event::BranchWon { at, branch } => {
                self.won.insert(at.clone(), *branch);
            }
            Event::RollbackDecided { scope, .. } => {
                let winner = self.won.get(scope).map(|won| scope.branch(*won));
                let lost = |at: &Position| {
                    scope.parent().is_none()
                        || at.is_within(scope) && !winner.as_ref().is_some_and(|won| at.is_within(won))
                };
                self.lose(|undoes, at| !undoes && lost(at));
            }
            Event::Recovered {} | Event::RunCompleted { .. } | Event::RunFailed {} | Event::RunCancelled {} => {
                self.lose(|_, _| true);
            }
            _ => {}
        }
    }

    fn begin(&mut self, entry: &HistoryEntry, at: &Position, kind: AttemptKind, step: &str, attempt: u32) {
        self.open.insert((kind != AttemptKind::Step, at.clone()), self.attempts.len());
        self.attempts.push(Attempt {
            step: step.to_owned(),
            at: at.clone(),
            kind,
            attempt,
            started: entry.time,
            ended: None,
            end: AttemptEnd::Running,
        });
    }

    fn end(&mut self, entry: &HistoryEntry, undoes: bool, at: &Position, end: AttemptEnd) {
        let open = self.open.remove(&(undoes, at.clone()));
        if let Some(attempt) = open.and_then(|open| self.attempts.get_mut(open)) {
            (attempt.end, attempt.ended) = (end, Some(entry.time));
        }
    }

    /// Attempts in the air have ended, nobody knows when and how.
    fn lose(&mut self, which: impl Fn(bool, &Position) -> bool) {
        let attempts = &mut self.attempts;
        self.open.retain(|(undoes, at), open| {
            let lost = which(*undoes, at);
            if let (true, Some(attempt)) = (lost, attempts.get_mut(*open)) {
                attempt.end = AttemptEnd::Unknown(None);
            }
            !lost
        });
    }
}
