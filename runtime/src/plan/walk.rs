//! Everything that a plan can reach.

use std::collections::BTreeMap;

use super::{Plan, WorkflowMeta};
use crate::step::StepMeta;

/// What can be reached from some sagas, by name. Where two things have one
/// name both are listed, so that the caller can refuse them.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    pub(crate) steps: BTreeMap<&'static str, Vec<&'static StepMeta>>,
    pub(crate) sagas: BTreeMap<(&'static str, u32), Vec<&'static WorkflowMeta>>,
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
        Plan::Seq(plans) | Plan::Branch(plans) => plans.iter().for_each(|p| visit(reached, p)),
        Plan::Loop(plan) => visit(reached, plan),
        Plan::Step(step) => reach_step(reached, step),
        Plan::Saga(saga) => reach(reached, (saga.meta)()),
        Plan::Sleep | Plan::Signal(_) | Plan::Dynamic => {}
    }
}
