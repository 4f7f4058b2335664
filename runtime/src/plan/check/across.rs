//! The rules across sagas, which only an engine can look at all together.

use super::Known;
use super::flow::{InState, of_state, with_known};
use super::holds::{Holds, holds};
use super::machine::across_states;
use crate::plan::signals::signals_of;
use crate::plan::{Graph, Plan, Reached, WorkflowMeta};
use crate::step::Site;

/// A saga whose plan, with all that is inside its sagas, is refused.
#[derive(Debug)]
pub(crate) struct PlanProblem {
    pub(crate) saga: &'static str,
    pub(crate) site: Site,
    pub(crate) problem: String,
}

/// Refuses the first plan in which something is wrong.
///
/// # Errors
/// What is wrong, and in which saga.
pub(crate) fn check_across(reached: &Reached) -> Result<(), PlanProblem> {
    let sagas: Vec<&'static WorkflowMeta> = reached.sagas.values().flatten().copied().collect();
    let known = known(&sagas);
    for saga in sagas {
        if let Plan::Machine(graph) = saga.plan {
            machine(saga, graph, &known)?;
        }
        // What is strict was looked at where it is written.
        if let Some(problem) = with_known(saga.plan, saga.exits, false, &known).iter().next() {
            return Err(PlanProblem { saga: saga.name, site: saga.site, problem: problem.to_string() });
        }
    }
    Ok(())
}

/// Refuses a machine of which a state, with all that is inside its sagas, is wrong.
fn machine(machine: &WorkflowMeta, graph: &'static Graph, known: &[Known]) -> Result<(), PlanProblem> {
    let refused = |site, problem| Err(PlanProblem { saga: machine.name, site, problem });
    for state in graph.states {
        let accepts: Vec<&'static str> = graph.accepted(state).collect();
        let rules = InState { name: state.name, accepts: &accepts, timed: !state.timeouts.is_empty() };
        if let Some(problem) = of_state(state.plan, state.exits, known, rules).iter().next() {
            return refused(state.site, problem.to_string());
        }
        let waits = signals_of(state.plan).names;
        if let Some(signal) = waits.iter().find(|signal| !accepts.contains(signal)) {
            let problem = format!(
                "state `{0}` does not accept the signal `{signal}`, for which a saga in its handler waits; add its type \
                 to the `#[accepts(..)]` of `{0}`",
                state.name
            );
            return refused(state.site, problem);
        }
    }
    match across_states(graph, known).iter().next() {
        Some((state, problem)) => refused(graph.states[state].site, problem.to_owned()),
        None => Ok(()),
    }
}

/// What each saga holds, together with the sagas inside it. They may call each
/// other in a circle: what is known grows until nothing is added.
fn known(sagas: &[&'static WorkflowMeta]) -> Vec<Known> {
    let mut known: Vec<Known> =
        sagas.iter().map(|saga| Known { name: saga.name, version: saga.version, holds: Holds::NOTHING }).collect();
    loop {
        let before: Vec<Holds> = known.iter().map(|known| known.holds).collect();
        for (at, saga) in sagas.iter().enumerate() {
            known[at].holds = known[at].holds.or(holds(saga.plan, &known));
        }
        if known.iter().map(|known| known.holds).eq(before) {
            return known;
        }
    }
}
