//! An operator's word on a run that cannot go on by itself.

use super::apply::{Applied, illegal};
use super::state::{Illegal, RunState};
use super::undo::UndoStack;
use super::{ByPosition, Entry, Phase, UndoState};
use crate::id::Position;
use crate::record::{Cause, Event};

impl RunState {
    /// An operator has a run go on that could not.
    pub(super) fn retried(&mut self, event: &Event, step: Option<&Position>) -> Applied {
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
    pub(super) fn resolved(&mut self, event: &Event, step: &Position) -> Applied {
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
    pub(super) fn give_up(&mut self) {
        self.journal = ByPosition::default();
        self.undo = UndoStack::default();
        self.past_pivot = false;
        self.decided = 0;
        self.phase = Phase::Forward;
    }

    /// Whether the run was rolling back when it came to a halt from which only an operator can help.
    pub(super) fn held_up(&self, event: &Event) -> Result<Option<Cause>, Illegal> {
        match self.phase.is_held_up() {
            true => Ok(self.phase.back()),
            false => Err(illegal(event, format!("the run is {:?}", self.phase))),
        }
    }
}
