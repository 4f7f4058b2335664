//! The same run, begun afresh.

use super::{Saga, SagaCall, SagaSig};
use crate::ops::{Cx, Durable};
use crate::plan::{Described, Plan, WorkflowRef};
use crate::platform::BoxFuture;
use crate::step::Site;

/// The run's next turn: a call of [`again`].
#[must_use = "the run goes on as it is unless this is awaited: add `.await`"]
#[derive(Debug)]
pub struct Again<'a, S: SagaSig>(SagaCall<'a, S>);

/// Ends this turn of the run; the run goes on as a fresh body of the same saga with new arguments. What awaits it gets
/// no value, so it is a body's last word: `again(import(next)).await`.
///
/// The records of the turn go, so that a long job's journal stays short. What outlives them: the undos of what was done,
/// signals that wait, the senders' ids, the deadline, linked children, and what was published. To be awaited by the run's
/// own body, not in a saga inside it or in a branch.
pub fn again<S: SagaSig>(call: SagaCall<'_, S>) -> Again<'_, S> {
    Again(call)
}

impl<S: SagaSig> Described for Again<'_, S> {
    const PLAN: Plan = Plan::Again(WorkflowRef { name: S::NAME, version: S::VERSION, meta: S::meta });
}

impl<S, App> Durable<App> for Again<'_, S>
where
    S: Saga<App>,
    App: Send + Sync + 'static,
{
    type Output = S::Ret;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, S::Ret>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            let seam = &*cx.host;
            match super::input::<S>(&self.0.args) {
                Ok(input) => match seam.again(at, site, S::meta(), input).await {},
                Err(error) => match seam.unrecordable(at, site, error.to_string()).await {},
            }
        })
    }
}
