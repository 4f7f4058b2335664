//! Everything that a plan can reach.

use std::collections::BTreeMap;

use super::{Plan, WorkflowMeta, WorkflowRef};
use crate::step::StepMeta;

/// What can be reached from some sagas, by name. Where two things have one
/// name both are listed, so that the caller can refuse them.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    pub(crate) steps: BTreeMap<&'static str, Vec<&'static StepMeta>>,
    pub(crate) sagas: BTreeMap<(&'static str, u32), Vec<&'static WorkflowMeta>>,
    /// Sagas that become runs of their own, by `spawn`, or the body of a run
    /// that goes on, by `again`: the engine must find them by name. What they
    /// reach is theirs, except that `again` keeps the run and so its undos.
    pub(crate) spawned: BTreeMap<(&'static str, u32), WorkflowRef>,
}

/// Adds what `saga` can reach, itself included.
pub(crate) fn reach(reached: &mut Reached, saga: &'static WorkflowMeta) {
    let same_name = reached.sagas.entry((saga.name, saga.version)).or_default();
    if same_name.iter().any(|known| (known.identity)() == (saga.identity)()) {
        return;
    }
    same_name.push(saga);
    visit(reached, saga.plan);
}

/// Adds a step.
pub(crate) fn reach_step(reached: &mut Reached, step: &'static StepMeta) {
    let same_name = reached.steps.entry(step.name).or_default();
    if !same_name.iter().any(|known| (known.identity)() == (step.identity)()) {
        same_name.push(step);
    }
}

fn visit(reached: &mut Reached, plan: &'static Plan) {
    match plan {
        Plan::Seq(plans) | Plan::Branch(plans) | Plan::Join(plans) | Plan::Race(plans) => {
            plans.iter().for_each(|p| visit(reached, p));
        }
        Plan::Loop(plan) | Plan::All(plan) | Plan::TryAll(plan) => visit(reached, plan),
        Plan::Step(step) => reach_step(reached, step),
        Plan::Saga(saga) => reach(reached, (saga.meta)()),
        Plan::Spawn(saga) => spawned(reached, saga),
        Plan::Again(saga) => {
            spawned(reached, saga);
            reach(reached, (saga.meta)());
        }
        Plan::Machine(graph) => graph.states.iter().for_each(|state| visit(reached, state.plan)),
        Plan::Sleep
        | Plan::Signal(_)
        | Plan::Dynamic
        | Plan::Child
        | Plan::Now
        | Plan::Random
        | Plan::Uuid
        | Plan::Pause
        | Plan::Publish => {}
    }
}

fn spawned(reached: &mut Reached, saga: &WorkflowRef) {
    reached.spawned.entry((saga.name, saga.version)).or_insert(*saga);
}
