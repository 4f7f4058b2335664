//! The state of one run (floor 4).
//!
//! Owns what a run's records add up to: [`RunState`], with one pure function
//! from a state and an event to the next state, and the questions that the
//! engine asks of it (what is recorded at a position, what is to be undone
//! next, may it be cancelled). What must always hold: no IO, no clock, no
//! async; live execution, recovery, inspection and replay all go through
//! [`RunState::apply`], and an event that cannot follow is an error.

mod apply;
mod back;
mod by_position;
mod divergence;
mod entry;
mod facts;
mod inbox;
mod operator;
mod phase;
mod policy;
mod state;
mod step;
mod turn;
mod undo;
mod visit;
mod weight;

pub(crate) use apply::NOW;
pub(crate) use by_position::{ByPosition, Positions};
pub use divergence::Divergence;
pub(crate) use entry::Entry;
pub(crate) use facts::{Asked, Choice, Facts, Used};
pub(crate) use inbox::{INBOX_LIMIT, Inbox, Offer};
pub(crate) use phase::Phase;
pub use policy::RetryPolicy;
pub(crate) use state::{Decision, Illegal, RunState};
pub(crate) use step::StepEntry;
pub(crate) use undo::{UndoEntry, UndoState};
pub(crate) use visit::Since;

#[cfg(test)]
mod tests;
