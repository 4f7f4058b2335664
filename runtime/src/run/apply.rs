//! From a state and an event to the next state.

use super::state::{Illegal, Options, RunState};
use super::visit::Visited;
use super::{Asked, Divergence, Entry, Facts, Phase, StepEntry, UndoEntry, UndoState};
use crate::codec::{self, Payload};
use crate::id::Position;
use crate::record::{Cause, Event, Name, UndoKind};
use crate::time::Timestamp;

pub(super) type Applied = Result<(), Illegal>;

/// What a recorded moment is called.
pub(crate) const NOW: &str = "now";

/// Whether a fact of this name is the time. What a user calls a fact has something in front.
fn is_now(name: &str) -> bool {
    name.rsplit('/').next() == Some(NOW)
}

/// A moment as it was recorded.
fn moment(value: &Payload) -> Option<Timestamp> {
    Timestamp::from_rfc3339(&codec::decode::<String>(value).ok()?)
}

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
            Event::StartOptions { .. }
            | Event::SignalReceived { .. }
            | Event::CancelRequested {}
            | Event::Paused { at: None, .. }
            | Event::Resumed {}
            | Event::Recovered {}
            | Event::ArtifactPut { .. } => {}
            _ => self.begun = true,
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
                step.facts = Facts::default();
                if step.undo_done {
                    let (name, args) = (step.name.clone(), step.undo_args.take());
                    self.undo.push(at.clone(), name, UndoKind::Compensate, Some(output.clone()), args);
                }
                self.ended(at);
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
                self.ended(at);
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
                    self.undo.settle(|of| of.is_within(at));
                }
                self.ended(at);
            }
            Event::FactBound { .. } => self.fact_bound(event)?,
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
                if let Some(Entry::Timer { fired: false, .. }) = self.journal.get(at) {
                    // The wait had a limit.
                    self.journal.remove(at);
                }
                self.enter(event, at, Entry::Signal { number: *number, name, payload })?;
            }
            Event::BranchWon { at, branch } => {
                self.enter(event, at, Entry::Group { won: *branch, rollback: None, ended: false })?;
                self.decided += 1;
                self.new_fact();
            }
            Event::LosersEnded { at } => self.losers_ended(event, at)?,
            Event::ValueDrawn { at, source, value } => {
                if source == NOW {
                    self.now = moment(value).max(self.now);
                }
                self.enter(event, at, Entry::Drawn { source: source.clone(), value: value.clone() })?;
            }
            Event::Published { at, value } => {
                self.enter(event, at, Entry::Published)?;
                self.progress = Some(value.clone());
            }
            Event::ChildStarted { at, child, workflow, version, args, linked, .. } => {
                let (child, workflow) = (child.clone(), workflow.clone());
                if *linked {
                    let name = Name::Owned(child.as_str().to_owned());
                    self.undo.push(at.clone(), name, UndoKind::Child, None, None);
                }
                self.enter(event, at, Entry::Child { child, workflow, version: *version, args: *args })?;
                self.new_fact();
            }
            Event::ChildEnded { at, child, end } => {
                self.enter(event, at, Entry::ChildEnd { child: child.clone(), end: end.clone() })?;
                self.new_fact();
            }
            Event::Again { visit, input, carried } => self.turn(event, *visit, input, carried)?,
            Event::StateEntered { visit, state, value, reason, groups, carried } => {
                let entered = Visited { visit: *visit, state, value, reason, groups, carried };
                self.state_entered(event, time, &entered)?;
            }
            Event::StartOptions { deadline, begin_at, key, parent, .. } => {
                let (key, parent) = (key.clone(), parent.clone());
                if let Some(begin_at) = begin_at {
                    self.since.at = self.since.at.max(*begin_at);
                }
                self.options = Options { deadline: *deadline, begin_at: *begin_at, key, parent };
            }
            Event::Paused { at, reason } => {
                if !self.phase.is_active() {
                    return Err(illegal(event, format!("the run is {:?}", self.phase)));
                }
                if let Some(at) = at {
                    self.enter(event, at, Entry::Pause)?;
                }
                self.paused = Some(reason.clone());
            }
            Event::Resumed {} => {
                self.paused.take().ok_or_else(|| illegal(event, "the run is not paused"))?;
            }
            Event::Retried { step } => self.retried(event, step.as_ref())?,
            Event::Resolved { step, .. } => self.resolved(event, step)?,
            Event::Abandoned { .. } => {
                self.held_up(event)?;
                self.give_up();
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
                undo.facts = Facts::default();
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
            Event::CancelRequested {} => {
                self.cancel_requested = true;
                // A cancel outweighs a pause.
                self.paused = None;
            }
            // Whoever put it knows its name; the run's state does not change.
            Event::ArtifactPut { .. } => {}
            Event::Recovered {} => {
                self.crashes += 1;
                self.land();
            }
            Event::Poisoned { crashes } => {
                self.phase = Phase::Poisoned { crashes: *crashes, back: self.phase.back() };
            }
            Event::Diverged { at, expected, found, site } => {
                let (at, site) = (at.clone(), site.clone());
                let divergence = Divergence { at, site, expected: expected.clone(), found: found.clone() };
                self.phase = Phase::Diverged { problem: divergence.to_string(), back: self.phase.back() };
                self.land();
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
        if self.phase.has_ended() {
            // A pause that came too late.
            self.paused = None;
        }
        self.last = time;
        self.applied += 1;
        Ok(())
    }

    fn step_attempted(&mut self, event: &Event) -> Applied {
        self.forward(event)?;
        self.last_end = None;
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
                facts: Facts::default(),
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

    fn fact_bound(&mut self, event: &Event) -> Applied {
        let Event::FactBound { at, fact, request, nth, alone, asked: shown, value } = event else { return Ok(()) };
        let asked = Asked { name: &fact.name, request: *request, nth: *nth, alone: *alone };
        let Some(facts) = self.facts_mut(at) else {
            return Err(illegal(event, format!("no step that has not ended is at {at}")));
        };
        if !facts.bind(fact.ordinal, asked, shown, value) {
            return Err(illegal(event, format!("`{fact}` is bound already at {at}")));
        }
        if is_now(&fact.name) {
            self.now = moment(value).max(self.now);
        }
        self.new_fact();
        Ok(())
    }

    fn ended(&mut self, at: &Position) {
        self.last_end = Some(at.clone());
        self.new_fact();
    }

    pub(super) fn new_fact(&mut self) {
        self.crashes = 0;
    }

    pub(super) fn forward(&self, event: &Event) -> Applied {
        match &self.phase {
            Phase::Forward => Ok(()),
            other => Err(illegal(event, format!("the run is {other:?}"))),
        }
    }

    /// Puts an entry where nothing is recorded yet.
    pub(super) fn enter(&mut self, event: &Event, at: &Position, entry: Entry) -> Applied {
        self.forward(event)?;
        if self.journal.contains_key(at) {
            return Err(illegal(event, format!("something is recorded at {at} already")));
        }
        self.last_end = None;
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

    pub(super) fn undo_open(&mut self, event: &Event, of: &Position) -> Result<&mut UndoEntry, Illegal> {
        match self.undo.get_mut(of) {
            Some(undo) if undo.state == UndoState::Open => Ok(undo),
            _ => Err(illegal(event, format!("nothing at {of} is to be undone"))),
        }
    }
}

pub(super) fn illegal(event: &Event, reason: impl Into<String>) -> Illegal {
    Illegal { event: event.name(), reason: reason.into() }
}
