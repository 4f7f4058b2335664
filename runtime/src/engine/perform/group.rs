//! Branches that run at once: which of them decided, and the end of the others.
//!
//! What must always hold: the winner of a group is a fact; nothing goes on behind a group before its losers have
//! stopped and what they completed is undone, recorded.

use super::{Interrupt, Performer, RolledBack};
use crate::id::Position;
use crate::record::{Cause, Event};
use crate::run::{Entry, UndoState};

impl Performer {
    /// Records which branch has decided a group; the others are told.
    pub(super) fn decide_group(&self, at: &Position, branch: u32) {
        self.hold(Event::BranchWon { at: at.clone(), branch });
        self.run.changed.notify_waiters();
    }

    /// Undoes what the losers of a group have done.
    pub(super) async fn undo_losers(&self, at: Position) {
        let (rollback, ended) = match self.run.lock().state.entry(&at) {
            Some(Entry::Group { rollback, ended, .. }) => (rollback.clone(), *ended),
            _ => (None, false),
        };
        self.run.lock().visit_losers(&at);
        if ended {
            return;
        }
        self.go_on(&at).await;
        if rollback.is_none() {
            if !self.run.lock().state.has_something_to_undo(&at) {
                self.losers_ended(at);
                return;
            }
            self.hold(Event::RollbackDecided { scope: at.clone(), cause: Cause::Lost });
        }
        match self.roll_back(&at).await {
            RolledBack::Undone => self.losers_ended(at),
            RolledBack::Failed => {
                self.interrupt(&at, Interrupt::Park(Event::Stuck { cause: None })).await;
            }
        }
    }

    /// Nothing of the losers is left; the signals that they had taken are there again for who waits for them.
    fn losers_ended(&self, at: Position) {
        self.hold(Event::LosersEnded { at });
        self.run.changed.notify_waiters();
    }
}

impl crate::run::RunState {
    /// Whether the losers of a group have done something that is not undone, or may have.
    fn has_something_to_undo(&self, group: &Position) -> bool {
        let open =
            self.undo_entries().iter().any(|undo| undo.state != UndoState::Done && self.belongs(&undo.of, group));
        open || self.positions().any(|(at, entry)| {
            matches!(entry, Entry::Step(step) if step.is_open_and_unknown()) && self.belongs(at, group)
        })
    }
}
