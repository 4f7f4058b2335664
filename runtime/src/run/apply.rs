//! From a state and an event to the next state.

use super::state::{Entry, Illegal, RunState};
use super::{Phase, StepEntry, UndoEntry, UndoState};
use crate::id::Position;
use crate::record::{Cause, Event, UndoKind};
use crate::time::Timestamp;

type Applied = Result<(), Illegal>;

impl RunState {
    /// The next state. After an error the state is not to be used any more.
    pub(crate) fn apply(&mut self, time: Timestamp, event: &Event) -> Applied {
        if self.phase.has_ended() {
            return match event {
                // It stays as it ended, for as long as anybody looks at it.
                Event::RunDeleted {} => Ok(()),
                _ => Err(illegal(event, "the run has ended")),
            };
        }
        match event {
            Event::RunStarted { .. } => return Err(illegal(event, "the run has been started before")),
            Event::StepAttempted { .. } => self.step_attempted(event)?,
            Event::AttemptFailed { at, cause, unknown, retry_at } => {
                let step = self.step_in_air(event, at)?;
                step.in_air = false;
                step.unknown |= unknown;
                step.retry_at = *retry_at;
                if *cause != Cause::Aborted {
                    step.failures += 1;
                    self.new_fact();
                }
            }
            Event::StepDone { at, output } => {
                let step = self.step_in_air(event, at)?;
                step.in_air = false;
                step.end = Some(Ok(output.clone()));
                if step.undo_done {
                    let (name, args) = (step.name.clone(), step.undo_args.take());
                    self.undo.push(at.clone(), name, UndoKind::Compensate, Some(output.clone()), args);
                }
                self.new_fact();
            }
            Event::StepFailed { at, cause, unknown } => {
                let step = self.step_in_air(event, at)?;
                step.in_air = false;
                step.unknown |= unknown;
                step.end = Some(Err(cause.clone()));
                if step.unknown && step.undo_unknown {
                    let (name, args) = (step.name.clone(), step.undo_args.take());
                    self.undo.push(at.clone(), name, UndoKind::Unknown, None, args);
                }
                self.new_fact();
            }
            Event::ScopeEntered { at, saga, version, args } => {
                let scope =
                    Entry::Scope { saga: saga.clone(), version: *version, args: *args, rollback: None, end: None };
                self.enter(event, at, scope)?;
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
                self.enter(event, at, Entry::Timer { wake_at: *wake_at, fired: false })?;
            }
            Event::TimerFired { at } => match self.journal.get_mut(at) {
                Some(Entry::Timer { fired: fired @ false, .. }) => *fired = true,
                _ => return Err(illegal(event, format!("no timer is set at {at}"))),
            },
            Event::SignalReceived { signal, payload, sender } => {
                self.inbox.receive(signal, payload, sender.as_deref());
            }
            Event::SignalConsumed { at, number } => {
                let taken = self.inbox.consume(*number);
                let (name, payload) =
                    taken.ok_or_else(|| illegal(event, format!("signal {number} is not in the inbox")))?;
                self.enter(event, at, Entry::Signal { name, payload })?;
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
                if *last {
                    undo.state = UndoState::Failed(cause.clone());
                }
                if *cause != Cause::Aborted {
                    undo.failures += 1;
                    self.new_fact();
                }
            }
            Event::Stuck { cause } => self.stuck(event, cause.as_ref())?,
            Event::CancelRequested {} => self.cancel_requested = true,
            // Whoever put it knows its name; the run's state does not change.
            Event::ArtifactPut { .. } => {}
            Event::Recovered {} => {
                self.crashes += 1;
                self.land();
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
            Event::RunDeleted {} => return Err(illegal(event, "the run has not ended")),
            Event::RunFailed {} => self.phase = Phase::Failed { cause: self.undone(event)? },
            Event::RunCancelled {} => {
                self.undone(event)?;
                self.phase = Phase::Cancelled;
            }
        }
        self.last = time;
        self.applied += 1;
        Ok(())
    }

    fn step_attempted(&mut self, event: &Event) -> Applied {
        self.forward(event)?;
        let Event::StepAttempted { at, step, attempt, args, pivot, undo_done, undo_unknown, undo_args } = event else {
            return Ok(());
        };
        let since = self.applied;
        let entry = self.journal.entry(at.clone()).or_insert_with(|| {
            Entry::Step(StepEntry {
                name: step.clone(),
                args: *args,
                attempts: 0,
                failures: 0,
                since,
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
        match entry {
            Entry::Step(known)
                if known.name == *step && known.end.is_none() && !known.in_air && *attempt == known.attempts + 1 =>
            {
                known.attempts = *attempt;
                known.in_air = true;
                known.retry_at = None;
                Ok(())
            }
            _ => Err(illegal(event, format!("attempt {attempt} of `{step}` at {at} is not the next"))),
        }
    }

    /// From here on `scope` only goes backwards: steps in it whose end is
    /// unknown join what is to be undone.
    fn roll_back(&mut self, event: &Event, scope: &Position, cause: &Cause) -> Applied {
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

    fn stuck(&mut self, event: &Event, cause: Option<&Cause>) -> Applied {
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
            (other, _) => return Err(illegal(event, format!("the run is {other:?}"))),
        };
        self.phase = Phase::Stuck { cause };
        Ok(())
    }

    /// Every attempt in the air has ended, nobody knows how.
    fn land(&mut self) {
        for entry in self.journal.values_mut() {
            if let Entry::Step(step) = entry
                && std::mem::take(&mut step.in_air)
            {
                step.unknown = true;
            }
        }
        self.undo.land();
    }

    /// Why the run rolled back, now that it is all undone.
    fn undone(&self, event: &Event) -> Result<Cause, Illegal> {
        let Phase::RollingBack { cause } = &self.phase else {
            return Err(illegal(event, "the run is not rolling back"));
        };
        if self.undo.next(&self.root()).is_some() || self.undo_failed(&self.root()) {
            return Err(illegal(event, "something is not undone"));
        }
        Ok(cause.clone())
    }

    fn new_fact(&mut self) {
        self.crashes = 0;
    }

    fn forward(&self, event: &Event) -> Applied {
        match &self.phase {
            Phase::Forward => Ok(()),
            other => Err(illegal(event, format!("the run is {other:?}"))),
        }
    }

    /// Puts an entry where nothing is recorded yet.
    fn enter(&mut self, event: &Event, at: &Position, entry: Entry) -> Applied {
        self.forward(event)?;
        if self.journal.contains_key(at) {
            return Err(illegal(event, format!("something is recorded at {at} already")));
        }
        self.journal.insert(at.clone(), entry);
        Ok(())
    }

    fn step_in_air(&mut self, event: &Event, at: &Position) -> Result<&mut StepEntry, Illegal> {
        self.forward(event)?;
        match self.journal.get_mut(at) {
            Some(Entry::Step(step)) if step.end.is_none() && step.in_air => Ok(step),
            _ => Err(illegal(event, format!("no attempt is in the air at {at}"))),
        }
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
