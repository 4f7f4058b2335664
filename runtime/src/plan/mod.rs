//! What a workflow can do, as constant data (floor 5).
//!
//! Owns the tree of a saga's awaits ([`Plan`]), which `#[saga]` writes as a
//! `const`, and its fingerprint. What must always hold: a plan is known
//! without running anything, and two plans with one fingerprint have the same
//! names in the same places.

mod check;
mod described;
mod diagram;
mod fingerprint;
mod graph;
mod sig;
mod signals;
#[cfg(test)]
mod tests;
mod walk;

use check::same;
pub use check::{Exit, GraphProblems, Leave, Problems, graph_problems, problems, refuse, refuse_state};
pub(crate) use check::{PlanProblem, check_across};
pub(crate) use check::{StateRules, state_problems};
pub use described::Described;
pub use diagram::Diagram;
pub use fingerprint::fingerprint;
pub(crate) use graph::Policy;
pub use graph::{Drawing, Graph, GroupMeta, StateMeta, TimeoutMeta};
pub use sig::WorkflowSig;
pub use signals::may_receive;
pub(crate) use signals::signals;
pub(crate) use walk::{Reached, reach, reach_step};

use std::any::TypeId;

use crate::step::{Site, StepMeta};

/// A tree of the durable operations that a body awaits.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Plan {
    /// One after the other.
    Seq(&'static [Plan]),
    /// One of these: the arms of an `if` or `match`.
    Branch(&'static [Plan]),
    /// Any number of times.
    Loop(&'static Plan),
    /// A step.
    Step(&'static StepMeta),
    /// A saga inside this one.
    Saga(WorkflowRef),
    /// A timer.
    Sleep,
    /// A wait for a signal of this name.
    Signal(&'static str),
    /// Something that cannot be told before it runs.
    Dynamic,
    /// All of these at once, each to its end.
    Join(&'static [Plan]),
    /// All of these at once, until the first one ends.
    Race(&'static [Plan]),
    /// This many times at once, each to its end.
    All(&'static Plan),
    /// This many times at once, until the first error.
    TryAll(&'static Plan),
    /// The start of a run of its own.
    Spawn(WorkflowRef),
    /// A wait for the end of a run that was started.
    Child,
    /// The same run goes on as a fresh body.
    Again(WorkflowRef),
    /// A recorded moment.
    Now,
    /// A recorded random value.
    Random,
    /// A recorded identifier.
    Uuid,
    /// A stop until somebody resumes the run.
    Pause,
    /// Progress that is told to whoever watches.
    Publish,
    /// One of the states of a machine, then another.
    Machine(&'static Graph),
}

/// A saga named inside another's plan. By function, so that sagas may call each other in a circle.
#[derive(Debug, Clone, Copy)]
pub struct WorkflowRef {
    /// The name on disk.
    pub name: &'static str,
    /// The version.
    pub version: u32,
    /// Its description.
    pub meta: fn() -> &'static WorkflowMeta,
}

/// A saga's or a machine's name and plan: all that its attribute and its body say.
#[derive(Debug)]
pub struct WorkflowMeta {
    /// The name on disk.
    pub name: &'static str,
    /// The version, from 1.
    pub version: u32,
    /// Where the saga is written.
    pub site: Site,
    /// What no two sagas have in common, whatever they are called and wherever they are written.
    pub identity: fn() -> TypeId,
    /// What its body awaits.
    pub plan: &'static Plan,
    /// A digest of name, version and plan.
    pub fingerprint: u64,
    /// How many of its runs, or of those with one key, may be under way at once.
    pub concurrency: Option<u32>,
    /// Every step that its body awaits must say what its effect is.
    pub strict: bool,
    /// The arms of its plan that never come to their end.
    pub exits: &'static [Exit],
}

impl WorkflowMeta {
    /// What kind of workflow it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self.plan {
            Plan::Machine(_) => "machine",
            _ => "saga",
        }
    }
}
