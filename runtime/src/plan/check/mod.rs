//! Which plans are refused, and in what words.
//!
//! Owns the rules over the order of steps: where a `pivot` may stand, and what
//! `#[saga(strict)]` wants. What must always hold: the rules are constant
//! functions, and one and the same for a saga that is compiled, whose nested
//! sagas nobody can look into, and for an engine that knows them all.

mod across;
mod flow;
mod found;
mod holds;
mod machine;
mod place;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use across::{PlanProblem, check_across};
pub use flow::{Exit, Leave, problems};
pub use found::{Problems, refuse};
pub(crate) use holds::Known;
pub(super) use holds::same;
pub use machine::{GraphProblems, graph_problems, refuse_state};
pub(crate) use machine::{StateRules, state_problems};
pub(crate) use text::Text;
