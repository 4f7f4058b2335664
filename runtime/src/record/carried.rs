//! What outlives a run's older records.

use super::{Name, UndoKind};
use crate::codec::Payload;
use crate::id::Position;
use crate::time::Timestamp;

/// What a run that begins afresh keeps of what it did before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Carried {
    /// What a rollback would still undo, in order of completion.
    pub undo: Vec<CarriedUndo>,
    /// How many signals the run has received.
    pub received: u64,
    /// The signals that it has not taken yet, in order of arrival.
    pub inbox: Vec<CarriedSignal>,
    /// The signals whose senders gave an id: the signal's name, and the id by which a second delivery is recognised.
    pub senders: Vec<(Name, String)>,
    /// The last moment that the run was told; it is never told an earlier one.
    pub now: Option<Timestamp>,
    /// What it published last.
    pub progress: Option<Payload>,
    /// It has passed a pivot: nothing that it did before is undone behind anybody's back.
    pub past_pivot: bool,
    /// The scopes that were begun anew after they had been undone: what was done in them has other idempotency keys.
    pub redone: Vec<Position>,
}

/// One step, or linked child, that a rollback undoes although its records are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CarriedUndo {
    /// The step's position, in the turn in which it ran.
    pub of: Position,
    /// The step's name, by which its undo is found; what the engine finds a child by.
    pub step: Name,
    /// Which of its undos.
    pub kind: UndoKind,
    /// The step's output, if the undo needs it.
    pub output: Option<Payload>,
    /// The arguments that the undo needs.
    pub args: Option<Payload>,
}

/// A signal that arrived before a run began afresh, and that it has not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CarriedSignal {
    /// Its place among the run's signals, counted from 0 in order of arrival.
    pub number: u64,
    /// The signal's name.
    pub signal: Name,
    /// What it says.
    pub payload: Payload,
}
