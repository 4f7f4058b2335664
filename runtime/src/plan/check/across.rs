//! The rules across sagas, which only an engine can look at all together.

use super::Known;
use super::flow::with_known;
use super::holds::{Holds, holds};
use crate::plan::{Reached, WorkflowMeta};
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
        // What is strict was looked at where it is written.
        if let Some(problem) = with_known(saga.plan, saga.exits, false, &known).iter().next() {
            return Err(PlanProblem { saga: saga.name, site: saga.site, problem: problem.to_string() });
        }
    }
    Ok(())
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
