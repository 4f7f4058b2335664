//! What can be found anywhere in a plan.

use crate::plan::{Plan, WorkflowRef};
use crate::step::StepMeta;

/// What a saga is known to hold, itself and what is inside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(super) name: &'static str,
    pub(super) version: u32,
    pub(super) holds: Holds,
}

/// The first pivot and the first compensatable step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holds {
    pub(super) pivot: Option<&'static str>,
    pub(super) undoable: Option<&'static str>,
}

impl Holds {
    pub(super) const NOTHING: Holds = Holds { pivot: None, undoable: None };

    pub(super) const fn or(self, other: Holds) -> Holds {
        Holds {
            pivot: if self.pivot.is_some() { self.pivot } else { other.pivot },
            undoable: if self.undoable.is_some() { self.undoable } else { other.undoable },
        }
    }
}

/// What a step is to the rules.
pub(super) const fn of_step(step: &StepMeta) -> Holds {
    let undoable = match step.undo {
        Some(undo) => undo.done,
        None => false,
    };
    Holds {
        pivot: if step.pivot { Some(step.name) } else { None },
        undoable: if undoable { Some(step.name) } else { None },
    }
}

/// What a nested saga holds, as far as anybody knows.
pub(super) const fn of_saga(saga: &WorkflowRef, known: &[Known]) -> Holds {
    let mut i = 0;
    while i < known.len() {
        if known[i].version == saga.version && same(known[i].name, saga.name) {
            return known[i].holds;
        }
        i += 1;
    }
    Holds::NOTHING
}

/// What a plan holds. What it spawns is not its own.
pub(super) const fn holds(plan: &Plan, known: &[Known]) -> Holds {
    match plan {
        Plan::Seq(plans) | Plan::Branch(plans) | Plan::Join(plans) | Plan::Race(plans) => {
            let mut found = Holds::NOTHING;
            let mut i = 0;
            while i < plans.len() {
                found = found.or(holds(&plans[i], known));
                i += 1;
            }
            found
        }
        Plan::Loop(plan) | Plan::All(plan) | Plan::TryAll(plan) => holds(plan, known),
        Plan::Step(step) => of_step(step),
        Plan::Saga(saga) | Plan::Again(saga) => of_saga(saga, known),
        Plan::Machine(graph) => {
            let mut found = Holds::NOTHING;
            let mut i = 0;
            while i < graph.states.len() {
                found = found.or(holds(graph.states[i].plan, known));
                i += 1;
            }
            found
        }
        _ => Holds::NOTHING,
    }
}

/// Whether a text is one of some, for the compiler.
pub(super) const fn is_one_of(text: &str, texts: &[&str]) -> bool {
    let mut i = 0;
    while i < texts.len() {
        if same(texts[i], text) {
            return true;
        }
        i += 1;
    }
    false
}

/// Whether two texts are the same, for the compiler.
pub(in crate::plan) const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}
