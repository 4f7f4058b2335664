//! Which signals a saga may wait for.

use std::collections::BTreeSet;

use super::same;
use super::{Plan, WorkflowMeta};

/// Whether a run of this plan may take the signal: it waits for it, or has
/// something inside that cannot be looked into while it is compiled.
#[must_use]
pub const fn may_receive(plan: &Plan, signal: &str) -> bool {
    match plan {
        Plan::Seq(plans) | Plan::Branch(plans) | Plan::Join(plans) | Plan::Race(plans) => {
            let mut i = 0;
            while i < plans.len() {
                if may_receive(&plans[i], signal) {
                    return true;
                }
                i += 1;
            }
            false
        }
        Plan::Loop(plan) | Plan::All(plan) | Plan::TryAll(plan) => may_receive(plan, signal),
        Plan::Signal(name) => same(name, signal),
        Plan::Saga(_) | Plan::Again(_) | Plan::Dynamic => true,
        Plan::Machine(graph) => graph.accepts(signal),
        _ => false,
    }
}

/// The signals that a run may take.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepts {
    /// Those that it waits for somewhere.
    pub(crate) names: BTreeSet<&'static str>,
    /// Something in it is known only when it runs, and may wait for others.
    pub(crate) open: bool,
}

impl Accepts {
    /// Whether the run may wait for a signal of this name.
    pub(crate) fn may_receive(&self, signal: &str) -> bool {
        self.open || self.names.contains(signal)
    }
}

/// The signals that a run of the saga may take, itself and the sagas inside
/// it. What it spawns has signals of its own.
pub(crate) fn signals(saga: &WorkflowMeta) -> Accepts {
    let mut accepts = Accepts::default();
    let mut seen = BTreeSet::from([(saga.name, saga.version)]);
    collect(saga.plan, &mut accepts, &mut seen);
    accepts
}

/// The signals that something with this plan may take.
pub(super) fn signals_of(plan: &Plan) -> Accepts {
    let mut accepts = Accepts::default();
    collect(plan, &mut accepts, &mut BTreeSet::new());
    accepts
}

fn collect(plan: &Plan, accepts: &mut Accepts, seen: &mut BTreeSet<(&'static str, u32)>) {
    match plan {
        Plan::Seq(plans) | Plan::Branch(plans) | Plan::Join(plans) | Plan::Race(plans) => {
            plans.iter().for_each(|plan| collect(plan, accepts, seen));
        }
        Plan::Loop(plan) | Plan::All(plan) | Plan::TryAll(plan) => collect(plan, accepts, seen),
        Plan::Signal(name) => {
            accepts.names.insert(name);
        }
        Plan::Saga(saga) | Plan::Again(saga) if seen.insert((saga.name, saga.version)) => {
            collect((saga.meta)().plan, accepts, seen);
        }
        Plan::Dynamic => accepts.open = true,
        Plan::Machine(graph) => accepts.names.extend(graph.signals),
        _ => {}
    }
}
