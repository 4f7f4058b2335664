//! One run's records, added up.

use std::collections::HashMap;

use super::undo::UndoStack;
use super::{Inbox, Phase, StepEntry, UndoEntry, UndoState};
use crate::codec::Payload;
use crate::id::{Position, RunId};
use crate::record::{Cause, Event, Name, UndoKind};
use crate::time::Timestamp;

/// An event that cannot follow what came before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{event}\" cannot follow: {reason}")]
pub(crate) struct Illegal {
    pub(crate) event: &'static str,
    pub(crate) reason: String,
}

/// How a run began.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) id: RunId,
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    pub(crate) fingerprint: u64,
    pub(crate) origin: [u8; 16],
    pub(crate) origin_run: u64,
    pub(crate) input: Payload,
    pub(crate) at: Timestamp,
}

/// What is recorded at a position.
#[derive(Debug)]
pub(crate) enum Entry {
    Step(StepEntry),
    Scope { saga: Name, version: u32, rollback: Option<Cause>, end: Option<Result<Payload, Payload>> },
    Timer { wake_at: Timestamp, fired: bool },
    Signal { name: Name, payload: Payload },
}

/// What a failure of a scope leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Undo what the scope did.
    RollBack,
    /// A pivot in it has happened, or may have: nothing is undone behind anybody's back.
    Stuck,
}

/// The state of one run.
#[derive(Debug)]
pub(crate) struct RunState {
    pub(crate) start: Start,
    pub(crate) phase: Phase,
    pub(crate) cancel_requested: bool,
    /// Crashes with an attempt of this run in the air, since its last new fact.
    pub(crate) crashes: u32,
    /// When the last record was written.
    pub(crate) last: Timestamp,
    pub(crate) inbox: Inbox,
    applied: u64,
    journal: HashMap<Position, Entry>,
    undo: UndoStack,
}

impl RunState {
    /// The state after a run's first record.
    pub(crate) fn new(event: &Event, at: Timestamp) -> Result<RunState, Illegal> {
        let Event::RunStarted { id, workflow, version, fingerprint, origin, origin_run, input } = event else {
            return Err(illegal(event, "the run has not been started"));
        };
        let start = Start {
            id: id.clone(),
            workflow: workflow.clone(),
            version: *version,
            fingerprint: *fingerprint,
            origin: *origin,
            origin_run: *origin_run,
            input: input.clone(),
            at,
        };
        Ok(RunState {
            start,
            phase: Phase::Forward,
            cancel_requested: false,
            crashes: 0,
            last: at,
            inbox: Inbox::default(),
            applied: 1,
            journal: HashMap::new(),
            undo: UndoStack::default(),
        })
    }

    /// The run's root scope.
    pub(crate) fn root(&self) -> Position {
        Position::root(0)
    }

    /// What is recorded at a position.
    pub(crate) fn entry(&self, at: &Position) -> Option<&Entry> {
        self.journal.get(at)
    }

    /// The step that is recorded at a position.
    pub(crate) fn step(&self, at: &Position) -> Option<&StepEntry> {
        match self.journal.get(at) {
            Some(Entry::Step(step)) => Some(step),
            _ => None,
        }
    }

    /// Every position that has a record.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (&Position, &Entry)> {
        self.journal.iter()
    }

    /// What is undone next in a scope.
    pub(crate) fn next_undo(&self, scope: &Position) -> Option<&UndoEntry> {
        self.undo.next(scope)
    }

    /// Everything that a rollback has undone, has failed to undo, or would undo.
    pub(crate) fn undo_entries(&self) -> &[UndoEntry] {
        self.undo.all()
    }

    /// Whether something in the scope could not be undone.
    pub(crate) fn undo_failed(&self, scope: &Position) -> bool {
        self.undo.all().iter().any(|e| matches!(e.state, UndoState::Failed(_)) && e.of.is_within(scope))
    }

    /// Whether an attempt, of a step or of an undo, has begun and not ended.
    pub(crate) fn attempt_in_air(&self) -> bool {
        self.undo.all().iter().any(|undo| undo.in_air)
            || self.journal.values().any(|entry| matches!(entry, Entry::Step(step) if step.in_air))
    }

    /// What a failure of `scope` leads to.
    pub(crate) fn decide(&self, scope: &Position) -> Decision {
        let pivot = self.journal.iter().any(|(at, entry)| {
            matches!(entry, Entry::Step(step) if step.is_live_pivot()) && at.is_within(scope)
        });
        if pivot { Decision::Stuck } else { Decision::RollBack }
    }

    /// Forgets what only a run that goes on needs.
    pub(crate) fn shrink(&mut self) {
        self.journal = HashMap::new();
        self.inbox = Inbox::default();
        if self.phase.has_ended() {
            self.undo = UndoStack::default();
        }
    }

    /// The next state. After an error the state is not to be used any more.
    pub(crate) fn apply(&mut self, time: Timestamp, event: &Event) -> Result<(), Illegal> {
        if self.phase.has_ended() {
            return Err(illegal(event, "the run has ended"));
        }
        match event {
            Event::RunStarted { .. } => return Err(illegal(event, "the run has been started before")),
            Event::StepAttempted { at, step, attempt, pivot, undo_done, undo_unknown, undo_args } => {
                self.forward(event)?;
                let entry = self.journal.entry(at.clone()).or_insert_with(|| {
                    Entry::Step(StepEntry {
                        name: step.clone(),
                        attempts: 0,
                        failures: 0,
                        since: self.applied,
                        in_air: false,
                        unknown: false,
                        retry_at: None,
                        end: None,
                        pivot: *pivot,
                        undo_done: *undo_done,
                        undo_unknown: *undo_unknown,
                        undo_args: undo_args.clone(),
                    })
                });
                let known = match entry {
                    Entry::Step(known) if known.name == *step => known,
                    _ => return Err(illegal(event, format!("something else is recorded at {at}"))),
                };
                if known.end.is_some() || known.in_air || *attempt != known.attempts + 1 {
                    return Err(illegal(event, format!("attempt {attempt} of `{step}` at {at} is not the next")));
                }
                known.attempts = *attempt;
                known.in_air = true;
                known.retry_at = None;
            }
            Event::AttemptFailed { at, cause, unknown, retry_at } => {
                self.new_fact();
                let step = self.step_in_air(event, at)?;
                step.in_air = false;
                step.unknown |= unknown;
                step.retry_at = *retry_at;
                step.failures += u32::from(*cause != Cause::Aborted);
            }
            Event::StepDone { at, output } => {
                self.new_fact();
                let step = self.step_in_air(event, at)?;
                step.in_air = false;
                step.end = Some(Ok(output.clone()));
                if step.undo_done {
                    let (name, args) = (step.name.clone(), step.undo_args.take());
                    self.undo.push(at.clone(), name, UndoKind::Compensate, Some(output.clone()), args);
                }
            }
            Event::StepFailed { at, cause, unknown } => {
                self.new_fact();
                let step = self.step_open(event, at)?;
                step.in_air = false;
                step.unknown |= unknown;
                step.end = Some(Err(cause.clone()));
                if step.unknown && step.undo_unknown {
                    let (name, args) = (step.name.clone(), step.undo_args.take());
                    self.undo.push(at.clone(), name, UndoKind::Unknown, None, args);
                }
            }
            Event::ScopeEntered { at, saga, version } => {
                self.forward(event)?;
                self.vacant(event, at)?;
                let scope = Entry::Scope { saga: saga.clone(), version: *version, rollback: None, end: None };
                self.journal.insert(at.clone(), scope);
            }
            Event::ScopeLeft { at, result } => {
                match self.journal.get_mut(at) {
                    Some(Entry::Scope { end: end @ None, .. }) => *end = Some(result.clone()),
                    _ => return Err(illegal(event, format!("no scope is open at {at}"))),
                }
                if result.is_err() {
                    self.undo.settle(at);
                }
                self.new_fact();
            }
            Event::TimerSet { at, wake_at } => {
                self.forward(event)?;
                self.vacant(event, at)?;
                self.journal.insert(at.clone(), Entry::Timer { wake_at: *wake_at, fired: false });
            }
            Event::TimerFired { at } => match self.journal.get_mut(at) {
                Some(Entry::Timer { fired: fired @ false, .. }) => *fired = true,
                _ => return Err(illegal(event, format!("no timer is set at {at}"))),
            },
            Event::SignalReceived { signal, payload, sender } => {
                self.inbox.receive(signal, payload, sender.as_deref());
            }
            Event::SignalConsumed { at, number } => {
                self.forward(event)?;
                self.vacant(event, at)?;
                let (name, payload) = self
                    .inbox
                    .consume(*number)
                    .ok_or_else(|| illegal(event, format!("signal {number} is not in the inbox")))?;
                self.journal.insert(at.clone(), Entry::Signal { name, payload });
            }
            Event::RollbackDecided { scope, cause } => self.roll_back(event, scope, cause)?,
            Event::CompensationStarted { of, attempt, .. } => {
                let undo = self.undo_open(event, of)?;
                if undo.in_air || *attempt != undo.attempts + 1 {
                    return Err(illegal(event, format!("attempt {attempt} to undo {of} is not the next")));
                }
                undo.attempts = *attempt;
                undo.in_air = true;
                undo.retry_at = None;
            }
            Event::CompensationDone { of } => {
                let undo = self.undo_open(event, of)?;
                undo.in_air = false;
                undo.state = UndoState::Done;
                self.new_fact();
            }
            Event::CompensationFailed { of, cause, last, retry_at } => {
                let undo = self.undo_open(event, of)?;
                undo.in_air = false;
                undo.retry_at = *retry_at;
                undo.failures += u32::from(*cause != Cause::Aborted);
                if *last {
                    undo.state = UndoState::Failed(cause.clone());
                }
                self.new_fact();
            }
            Event::Stuck { cause } => {
                let cause = match (&self.phase, cause) {
                    (Phase::Forward, Some(cause)) | (Phase::RollingBack { cause }, None) => cause.clone(),
                    // A scope inside the run could not be undone.
                    (Phase::Forward, None) => self
                        .journal
                        .values()
                        .find_map(|entry| match entry {
                            Entry::Scope { rollback: Some(cause), end: None, .. } => Some(cause.clone()),
                            _ => None,
                        })
                        .ok_or_else(|| illegal(event, "nothing is being rolled back"))?,
                    _ => return Err(illegal(event, format!("the run is {:?}", self.phase))),
                };
                self.phase = Phase::Stuck { cause };
            }
            Event::CancelRequested {} => self.cancel_requested = true,
            Event::Recovered {} => {
                self.crashes += 1;
                for entry in self.journal.values_mut() {
                    if let Entry::Step(step) = entry
                        && std::mem::take(&mut step.in_air)
                    {
                        step.unknown = true;
                    }
                }
                self.undo.land();
            }
            Event::Poisoned { crashes } => self.phase = Phase::Poisoned { crashes: *crashes },
            Event::Diverged { at, expected, found, site } => {
                let problem = format!("at {at}, {site}: recorded {expected}, but the code {found}");
                self.phase = Phase::Diverged { problem };
            }
            Event::RunCompleted { output } => {
                self.forward(event)?;
                self.phase = Phase::Completed { output: output.clone() };
            }
            Event::RunFailed {} | Event::RunCancelled {} => {
                let Phase::RollingBack { cause } = &self.phase else {
                    return Err(illegal(event, "the run is not rolling back"));
                };
                if self.undo.next(&self.root()).is_some() || self.undo_failed(&self.root()) {
                    return Err(illegal(event, "something is not undone"));
                }
                self.phase = match event {
                    Event::RunFailed {} => Phase::Failed { cause: cause.clone() },
                    _ => Phase::Cancelled,
                };
            }
        }
        self.last = time;
        self.applied += 1;
        Ok(())
    }

    /// From here on `scope` only goes backwards: steps in it whose end is
    /// unknown join what is to be undone.
    fn roll_back(&mut self, event: &Event, scope: &Position, cause: &Cause) -> Result<(), Illegal> {
        if *scope == self.root() {
            self.forward(event)?;
            self.phase = Phase::RollingBack { cause: cause.clone() };
        } else {
            match self.journal.get_mut(scope) {
                Some(Entry::Scope { rollback: rollback @ None, end: None, .. }) => *rollback = Some(cause.clone()),
                _ => return Err(illegal(event, format!("no scope is open at {scope}"))),
            }
        }
        let mut open: Vec<(u64, Position)> = self
            .journal
            .iter()
            .filter_map(|(at, entry)| match entry {
                Entry::Step(step) if step.is_open_and_unknown() && at.is_within(scope) => {
                    Some((step.since, at.clone()))
                }
                _ => None,
            })
            .collect();
        open.sort();
        for (_, at) in open {
            if let Some(Entry::Step(step)) = self.journal.get_mut(&at) {
                step.in_air = false;
                step.end = Some(Err(Cause::Cancelled));
                if step.undo_unknown {
                    let (name, args) = (step.name.clone(), step.undo_args.take());
                    self.undo.push(at, name, UndoKind::Unknown, None, args);
                }
            }
        }
        self.new_fact();
        Ok(())
    }

    fn new_fact(&mut self) {
        self.crashes = 0;
    }

    fn forward(&self, event: &Event) -> Result<(), Illegal> {
        match &self.phase {
            Phase::Forward => Ok(()),
            other => Err(illegal(event, format!("the run is {other:?}"))),
        }
    }

    fn vacant(&self, event: &Event, at: &Position) -> Result<(), Illegal> {
        match self.journal.get(at) {
            None => Ok(()),
            Some(_) => Err(illegal(event, format!("something is recorded at {at} already"))),
        }
    }

    fn step_open(&mut self, event: &Event, at: &Position) -> Result<&mut StepEntry, Illegal> {
        self.forward(event)?;
        match self.journal.get_mut(at) {
            Some(Entry::Step(step)) if step.end.is_none() => Ok(step),
            _ => Err(illegal(event, format!("no step is open at {at}"))),
        }
    }

    fn step_in_air(&mut self, event: &Event, at: &Position) -> Result<&mut StepEntry, Illegal> {
        let step = self.step_open(event, at)?;
        if step.in_air { Ok(step) } else { Err(illegal(event, format!("no attempt has begun at {at}"))) }
    }

    fn undo_open(&mut self, event: &Event, of: &Position) -> Result<&mut UndoEntry, Illegal> {
        match self.undo.get_mut(of) {
            Some(undo) if undo.state == UndoState::Open => Ok(undo),
            _ => Err(illegal(event, format!("nothing at {of} is to be undone"))),
        }
    }
}

fn illegal(event: &Event, reason: impl Into<String>) -> Illegal {
    Illegal { event: event.name(), reason: reason.into() }
}
