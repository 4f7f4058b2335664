//! From a state and an event to the next state.

use std::collections::HashMap;

use super::state::{Decision, Illegal, Options, RunState};
use super::undo::UndoStack;
use super::{Entry, Inbox, Phase, StepEntry, UndoEntry, UndoState};
use crate::codec::{self, Payload};
use crate::id::Position;
use crate::record::{Carried, CarriedUndo, Cause, Event, Name, UndoKind};
use crate::time::Timestamp;

type Applied = Result<(), Illegal>;

/// What a recorded moment is called.
pub(crate) const NOW: &str = "now";

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
            Event::Again { visit, input, carried } => self.again(event, *visit, input, carried)?,
            Event::StartOptions { deadline, begin_at, key, parent, .. } => {
                let (key, parent) = (key.clone(), parent.clone());
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
                let problem = format!("at {at}, {site}: recorded {expected}, but the code {found}");
                self.phase = Phase::Diverged { problem, back: self.phase.back() };
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
        if scope.parts().next().is_none() {
            self.forward(event)?;
            self.phase = Phase::RollingBack { cause: cause.clone() };
        } else {
            match self.journal.get_mut(scope) {
                Some(
                    Entry::Scope { rollback: rollback @ None, end: None, .. }
                    | Entry::Group { rollback: rollback @ None, ended: false, .. },
                ) => *rollback = Some(cause.clone()),
                _ => return Err(illegal(event, format!("no scope is open at {scope}"))),
            }
        }
        let mut open: Vec<(u64, Position)> = self
            .journal
            .iter()
            .filter_map(|(at, entry)| match entry {
                Entry::Step(step) if step.is_open_and_unknown() && self.belongs(at, scope) => {
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
            (Phase::Forward, None) => {
                let back = self.journal.iter().filter_map(|(at, entry)| entry.rollback().map(|cause| (at, cause)));
                let rollback = back.min_by_key(|(at, _)| *at).map(|(_, cause)| cause.clone());
                rollback.ok_or_else(|| illegal(event, "nothing is being rolled back"))?
            }
            (other, _) => return Err(illegal(event, format!("the run is {other:?}"))),
        };
        self.phase = Phase::Stuck { cause, back: self.phase.back() };
        // A panic has dropped them.
        self.land();
        Ok(())
    }

    /// Nothing of the branches that lost is left but what their undo has recorded: the signals that they took are back.
    fn losers_ended(&mut self, event: &Event, at: &Position) -> Applied {
        if self.next_undo(at).is_some() || self.undo_failed(at) {
            return Err(illegal(event, "something that a loser did is not undone"));
        }
        let won = match self.journal.get_mut(at) {
            Some(Entry::Group { won, ended: ended @ false, .. }) => {
                *ended = true;
                at.branch(*won)
            }
            _ => return Err(illegal(event, format!("no group is decided at {at}"))),
        };
        self.decided -= 1;
        let lost = |of: &Position| of.is_within(at) && !of.is_within(&won);
        self.forget(lost);
        self.undo.settle(lost);
        self.new_fact();
        Ok(())
    }

    /// What is undone was never done: the signals that it took are back.
    fn forget(&mut self, undone: impl Fn(&Position) -> bool) {
        let inbox = &mut self.inbox;
        self.journal.retain(|of, entry| {
            let undone = undone(of);
            if let (true, Entry::Signal { number, name, payload }) = (undone, entry) {
                inbox.give_back(*number, name.clone(), payload.clone());
            }
            !undone
        });
    }

    /// The next turn begins with what is carried over, and with nothing else.
    fn again(&mut self, event: &Event, visit: u32, input: &Payload, carried: &Carried) -> Applied {
        self.forward(event)?;
        // Turns in between may be gone.
        if visit <= self.visit {
            return Err(illegal(event, format!("turn {visit} is not behind turn {}", self.visit)));
        }
        self.visit = visit;
        self.input = input.clone();
        self.journal = HashMap::new();
        (self.decided, self.last_end) = (0, None);
        self.undo = UndoStack::default();
        for CarriedUndo { of, step, kind, output, args } in &carried.undo {
            self.undo.push(of.clone(), step.clone(), *kind, output.clone(), args.clone());
        }
        self.inbox = Inbox::carried(carried.received, &carried.inbox, &carried.senders);
        (self.now, self.progress) = (carried.now, carried.progress.clone());
        self.past_pivot = carried.past_pivot;
        self.new_fact();
        Ok(())
    }

    /// An operator has a run go on that could not.
    fn retried(&mut self, event: &Event, step: Option<&Position>) -> Applied {
        let back = self.held_up(event)?;
        self.undo.reopen();
        self.crashes = 0;
        if let Some(at) = step {
            match self.journal.get_mut(at) {
                Some(Entry::Step(step)) => {
                    step.end = None;
                    step.failures = 0;
                    step.retry_at = None;
                    if let Some(undo) = self.undo.withdraw(at) {
                        step.undo_args = undo.args;
                    }
                }
                Some(Entry::Scope { .. }) => {
                    self.forget(|of| of == at || of.is_within(at));
                    // What was undone is not what is done now: its steps have other keys.
                    self.redone.push(at.clone());
                }
                _ => return Err(illegal(event, format!("nothing at {at} could be done again"))),
            }
            self.last_end = None;
        }
        self.phase = Phase::going_on(back);
        Ok(())
    }

    /// An operator has settled by hand what a run could not.
    fn resolved(&mut self, event: &Event, step: &Position) -> Applied {
        self.held_up(event)?;
        match self.undo.get_mut(step) {
            Some(undo) if matches!(undo.state, UndoState::Failed(_)) => undo.state = UndoState::Done,
            _ => match self.journal.get(step) {
                Some(Entry::Step(_) | Entry::Scope { .. }) => self.give_up(),
                _ => return Err(illegal(event, format!("nothing at {step} is to be settled"))),
            },
        }
        Ok(())
    }

    /// Nothing is left to be done, and nothing to be undone: what follows is the end.
    fn give_up(&mut self) {
        self.journal = HashMap::new();
        self.undo = UndoStack::default();
        self.past_pivot = false;
        self.decided = 0;
        self.phase = Phase::Forward;
    }

    /// Whether the run was rolling back when it came to a halt from which only an operator can help.
    fn held_up(&self, event: &Event) -> Result<Option<Cause>, Illegal> {
        match self.phase.is_held_up() {
            true => Ok(self.phase.back()),
            false => Err(illegal(event, format!("the run is {:?}", self.phase))),
        }
    }

    fn ended(&mut self, at: &Position) {
        self.last_end = Some(at.clone());
        self.new_fact();
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
        if self.next_undo(&self.root()).is_some() || self.undo_failed(&self.root()) {
            return Err(illegal(event, "something is not undone"));
        }
        Ok(cause.clone())
    }

    /// What outlives the records of this turn.
    pub(crate) fn carry(&self) -> Carried {
        let open = self.undo.all().iter().filter(|undo| undo.state == UndoState::Open);
        let undo = open.map(|undo| CarriedUndo {
            of: undo.of.clone(),
            step: undo.step.clone(),
            kind: undo.kind,
            output: undo.output.clone(),
            args: undo.args.clone(),
        });
        let (received, inbox, senders) = self.inbox.to_carry();
        Carried {
            undo: undo.collect(),
            received,
            inbox,
            senders,
            now: self.now,
            progress: self.progress.clone(),
            past_pivot: self.decide(&self.root()) == Decision::Stuck,
        }
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
