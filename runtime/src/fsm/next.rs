//! Where a handler goes.

use std::fmt;

use super::{State, Transition};
use crate::plan::WorkflowSig;

/// The state that follows `S`, one of its declared successors: what a handler returns. Made by [`go`].
#[must_use = "a handler goes to a state only when it returns this"]
pub struct Next<S: State> {
    successor: S::Successor,
}

impl<S: State> Next<S> {
    /// The successor, as the enum of those that are declared: `purchase::PlacedNext::Paid(paid)`.
    pub fn into_successor(self) -> S::Successor {
        self.successor
    }
}

impl<S: State> fmt::Debug for Next<S>
where
    S::Successor: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Next").field(&self.successor).finish()
    }
}

/// Goes to another state, or to the same one with other data: `Ok(go(purchase::Paid { cart, payment }))`. A state that the present one
/// does not declare in its `#[next(..)]` does not compile.
pub fn go<From: Transition<To>, To>(to: To) -> Next<From> {
    Next { successor: From::successor(to) }
}

/// What a handler of state `S` returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what the handler of `{S}` returns",
    label = "expected `Next<{S}>`, or a `Result` of it with the machine's error",
    note = "the error of a machine's handlers is that of `#[fsm(error = ..)]`; without one they return `Next<{S}>`"
)]
pub trait HandlerReturn<S: State> {
    #[doc(hidden)]
    fn into_result(self) -> Result<S::Machine, <S::Machine as WorkflowSig>::Error>;
}

impl<S: State> HandlerReturn<S> for Next<S> {
    fn into_result(self) -> Result<S::Machine, <S::Machine as WorkflowSig>::Error> {
        Ok(self.successor.into())
    }
}

impl<S: State, E: MachineError<<S::Machine as WorkflowSig>::Error>> HandlerReturn<S> for Result<Next<S>, E> {
    fn into_result(self) -> Result<S::Machine, <S::Machine as WorkflowSig>::Error> {
        self.map(|next| next.successor.into()).map_err(E::of_machine)
    }
}

/// An error that is that of the machine.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the error of this handler is `{Self}`, and that of its machine is `{Declared}`",
    label = "not the error of the machine",
    note = "the error of a machine is that of its `#[fsm(error = ..)]`; where it has none, its handlers return a `Next` and no `Result`"
)]
pub trait MachineError<Declared> {
    /// Itself.
    fn of_machine(self) -> Declared;
}

impl<E> MachineError<E> for E {
    fn of_machine(self) -> E {
        self
    }
}
