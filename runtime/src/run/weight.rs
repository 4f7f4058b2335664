//! How much a run carries from one turn or state to the next, and what of it can lie in the arena.

use super::state::RunState;
use super::{UndoEntry, UndoState};
use crate::codec::Payload;
use crate::id::Position;

/// What an entry takes besides its values, about.
const ENTRY: u64 = 64;

/// Where a value stands that a run carries.
#[derive(Debug, Clone)]
pub(crate) enum CarriedAt {
    /// A signal that waits, by its number.
    Signal(u64),
    /// The output of the step of an undo.
    Output(Position),
    /// The arguments of an undo.
    Args(Position),
}

fn inline(payload: &Payload) -> u64 {
    payload.inline().map_or(0, |json| json.len() as u64)
}

impl RunState {
    fn open_undos(&self) -> impl Iterator<Item = &UndoEntry> {
        self.undo.all().iter().filter(|undo| undo.state == UndoState::Open)
    }

    /// About how many bytes a record takes that carries everything on, with the undos or without.
    pub(crate) fn weight(&self, with_undos: bool) -> u64 {
        let signals = self.inbox.waiting().map(|signal| ENTRY + inline(&signal.payload));
        let undos = self.open_undos().filter(|_| with_undos).map(|undo| {
            let values = undo.output.iter().chain(&undo.args).map(inline).sum::<u64>();
            ENTRY + undo.of.as_bytes().len() as u64 + values
        });
        signals.chain(undos).sum()
    }

    /// The values of more than so many bytes that are carried as they are.
    pub(crate) fn heavy(&self, bytes: u64, with_undos: bool) -> Vec<(CarriedAt, Payload)> {
        let signals = self.inbox.waiting().map(|signal| (CarriedAt::Signal(signal.number), &signal.payload));
        let undos = self.open_undos().filter(|_| with_undos).flat_map(|undo| {
            let output = undo.output.iter().map(|value| (CarriedAt::Output(undo.of.clone()), value));
            output.chain(undo.args.iter().map(|value| (CarriedAt::Args(undo.of.clone()), value)))
        });
        let all = signals.chain(undos).filter(|(_, value)| inline(value) > bytes);
        all.map(|(at, value)| (at, value.clone())).collect()
    }

    /// A value that is carried lies elsewhere now. It is the same value: nothing is recorded of it.
    pub(crate) fn lies_elsewhere(&mut self, at: &CarriedAt, value: Payload) {
        match at {
            CarriedAt::Signal(number) => self.inbox.move_to(*number, value),
            CarriedAt::Output(of) => {
                if let Some(undo) = self.undo.get_mut(of) {
                    undo.output = Some(value);
                }
            }
            CarriedAt::Args(of) => {
                if let Some(undo) = self.undo.get_mut(of) {
                    undo.args = Some(value);
                }
            }
        }
    }
}
