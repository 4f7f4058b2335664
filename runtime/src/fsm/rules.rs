//! What is checked of a handler where it is compiled.

use super::State;
use crate::plan::{Exit, Plan, Problems, StateRules};

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
