//! Going backwards: what a decision to roll back makes of a run, and its end.

use super::apply::{Applied, illegal};
use super::state::{Illegal, RunState};
use super::{Entry, Phase};
use crate::id::Position;
use crate::record::{Cause, Event, UndoKind};

impl RunState {
    /// From here on `scope` only goes backwards: steps in it whose end is
    /// unknown join what is to be undone.
    pub(super) fn roll_back(&mut self, event: &Event, scope: &Position, cause: &Cause) -> Applied {
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

    pub(super) fn stuck(&mut self, event: &Event, cause: Option<&Cause>) -> Applied {
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
    pub(super) fn losers_ended(&mut self, event: &Event, at: &Position) -> Applied {
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
    pub(super) fn forget(&mut self, undone: impl Fn(&Position) -> bool) {
        let inbox = &mut self.inbox;
        self.journal.retain(|of, entry| {
            let undone = undone(of);
            if let (true, Entry::Signal { number, name, payload }) = (undone, entry) {
                inbox.give_back(*number, name.clone(), payload.clone());
            }
            !undone
        });
    }

    /// Every attempt in the air has ended, nobody knows how.
    pub(super) fn land(&mut self) {
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
    pub(super) fn undone(&self, event: &Event) -> Result<Cause, Illegal> {
        let Phase::RollingBack { cause } = &self.phase else {
            return Err(illegal(event, "the run is not rolling back"));
        };
        if self.next_undo(&self.root()).is_some() || self.undo_failed(&self.root()) {
            return Err(illegal(event, "something is not undone"));
        }
        Ok(cause.clone())
    }
}
