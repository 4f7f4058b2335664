//! State machines (floor 7).
//!
//! Owns the traits that `#[fsm]` implements on an enum and on the structs of its states ([`Fsm`], [`State`], [`Transition`]), and
//! `#[state]` by a handler ([`Handler`]); how a handler says what comes next ([`go`]); and a machine's erased form for the
//! engine. What must always hold: a handler goes to a declared successor or not at all, and what is on disk of a
//! state is the enum's JSON.

mod erased;
mod next;
mod rules;
mod sig;
mod start;
#[cfg(test)]
mod tests;
mod visit;

pub(crate) use erased::FsmWorkflow;
#[cfg(test)]
pub(crate) use erased::{entering, takes};
pub use next::{HandlerReturn, MachineError, Next, go};
pub use rules::{InState, assert_not_terminal, durable_in, state_problems};
pub use sig::{Fsm, FsmOn, Handler, State, Transition};
pub use start::start_state;
#[cfg(test)]
pub(crate) use visit::deadline;
pub use visit::{Turn, Visit, ended, visit};
