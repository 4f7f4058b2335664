//! An order as clients see it.

use factum::{Fsm, Run, StateUpdate, Update};
use serde::Serialize;

use super::problem::Problem;
use crate::machine::Order;

/// The body of an answer about an order.
#[derive(Debug, Serialize)]
pub(super) struct View {
    id: String,
    /// The state's name and what is in it.
    #[serde(flatten)]
    order: Order,
    /// Which of the order's visits of its states it is, from 0.
    visit: u32,
    /// What led there.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// The signals that it accepts in this state.
    accepts: Vec<&'static str>,
    /// That of the order's run, at this moment.
    status: &'static str,
    /// Why the run cannot go on, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl View {
    /// The order in a state that it has entered.
    pub(super) fn of(run: &Run<Order>, seen: &StateUpdate) -> Result<View, Problem> {
        let info = run.info();
        let order: Order = seen.decode()?;
        Ok(View {
            id: run.id().to_string(),
            accepts: order.accepts(),
            order,
            visit: seen.visit(),
            because: seen.reason().map(ToString::to_string),
            status: info.status.as_str(),
            problem: info.problem,
        })
    }

    /// The order as it is now.
    pub(super) async fn now(run: &Run<Order>) -> Result<View, Problem> {
        let mut watch = run.watch();
        loop {
            match watch.next().await {
                Some(Update::State(seen)) => return View::of(run, &seen),
                Some(_) => {}
                None => return Err(Problem::stopped()),
            }
        }
    }
}
