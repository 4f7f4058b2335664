//! What is checked of a handler where it is compiled.

use std::fmt;
use std::marker::PhantomData;

use super::State;
use crate::ops::{Cx, Durable, durable};
use crate::plan::{Described, Exit, Plan, Problems, StateRules, refuse};
use crate::platform::BoxFuture;

/// What is wrong with the body of a state's handler: its plan, and signals that the state does not accept.
#[must_use]
pub const fn state_problems<S: State>(plan: &Plan, exits: &[Exit]) -> Problems {
    let rules = StateRules { name: S::NAME, accepts: S::ACCEPTS, timed: !S::TIMEOUTS.is_empty() };
    crate::plan::state_problems(plan, exits, rules)
}

/// Refuses a handler of a state in which runs end.
#[track_caller]
pub const fn assert_not_terminal(terminal: bool) {
    assert!(
        !terminal,
        "a run ends in this state, so it has no handler; remove the function, or write `#[next(..)]` in the place of the state's `#[terminal]`"
    );
}

/// The state whose handler a body is.
pub struct InState<S>(PhantomData<fn() -> S>);

impl<S> InState<S> {
    #[doc(hidden)]
    pub const HERE: InState<S> = InState(PhantomData);
}

impl<S> fmt::Debug for InState<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InState")
    }
}

/// What `EXPR.await` becomes in a handler. What the tokens of an operation do not tell, as of one that was bound to a variable, its
/// type does; so a state that does not accept its signal is told of when the program is made.
#[track_caller]
pub fn durable_in<'c, S: State, App, D, O>(cx: &'c Cx<App>, _: InState<S>, operation: D) -> BoxFuture<'c, O>
where
    D: Durable<App, Output = O> + 'c,
{
    const { refuse(&state_problems::<S>(&<D as Described>::PLAN, &[]), &[], 0) };
    durable(cx, operation)
}
