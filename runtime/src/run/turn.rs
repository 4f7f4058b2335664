//! The turns of a run: what the next one begins with.

use super::apply::{Applied, illegal};
use super::state::{Decision, RunState};
use super::undo::UndoStack;
use super::{ByPosition, Inbox, UndoState};
use crate::codec::Payload;
use crate::id::Position;
use crate::record::{Carried, CarriedUndo, Event};

impl RunState {
    /// The next turn begins with what is carried over, and with nothing else.
    pub(super) fn turn(&mut self, event: &Event, visit: u32, input: &Payload, carried: &Carried) -> Applied {
        self.forward(event)?;
        // Turns in between may be gone.
        if visit <= self.visit {
            return Err(illegal(event, format!("turn {visit} is not behind turn {}", self.visit)));
        }
        self.visit = visit;
        self.input = input.clone();
        self.journal = ByPosition::default();
        (self.decided, self.last_end) = (0, None);
        self.undo = UndoStack::default();
        for CarriedUndo { of, step, kind, output, args } in &carried.undo {
            self.undo.push(of.clone(), step.clone(), *kind, output.clone(), args.clone());
        }
        self.inbox = Inbox::carried(carried.received, &carried.inbox, &carried.senders);
        (self.now, self.progress) = (carried.now, carried.progress.clone());
        self.past_pivot = carried.past_pivot;
        self.redone = carried.redone.clone();
        self.new_fact();
        Ok(())
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
        let undone_in = |scope: &&Position| {
            self.undo.all().iter().any(|undo| undo.state == UndoState::Open && undo.of.is_within(scope))
        };
        let redone = self.redone.iter().filter(undone_in).cloned().collect();
        let (received, inbox, senders) = self.inbox.to_carry();
        Carried {
            undo: undo.collect(),
            received,
            inbox,
            senders,
            now: self.now,
            progress: self.progress.clone(),
            past_pivot: self.decide(&self.root()) == Decision::Stuck,
            redone,
        }
    }
}
