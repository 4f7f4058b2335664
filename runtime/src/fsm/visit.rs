//! One visit of a state: its handler, and the timer that may end it.

use std::sync::Arc;

use super::{Fsm, Handler, State};
use crate::codec::Payload;
use crate::engine::{Since, host};
use crate::io::NoApp;
use crate::ops::{Cx, against};
use crate::plan::{Graph, StateMeta, TimeoutMeta, WorkflowSig};
use crate::platform::BoxFuture;
use crate::time::Timestamp;

/// A visit of a state: where its handler's body stands, and since when the run is in it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Visit<App> {
    cx: Cx<App>,
    since: Arc<Since>,
    /// The state as it was recorded.
    value: Payload,
}

/// How a visit ended.
#[doc(hidden)]
#[derive(Debug)]
pub enum Turn<M> {
    /// The machine goes to a state: as its handler says, or by one of the state's timeouts.
    To(M, Option<usize>),
    /// It is in a state in which it ends.
    Ended(M),
}

impl<App> Visit<App> {
    pub(super) fn new(cx: Cx<App>, since: Since, value: Payload) -> Self {
        Visit { cx, since: Arc::new(since), value }
    }

    #[doc(hidden)]
    #[must_use]
    pub fn without_app(self) -> Visit<NoApp> {
        Visit { cx: self.cx.without_app(), since: self.since, value: self.value }
    }
}

/// A visit under way.
type Visited<M> = BoxFuture<'static, Result<Turn<M>, <M as WorkflowSig>::Error>>;

/// A visit of a state in which the machine ends.
#[doc(hidden)]
pub fn ended<M: Fsm>(state: M) -> Visited<M> {
    Box::pin(async { Ok(Turn::Ended(state)) })
}

/// A visit of a state that has a handler.
#[doc(hidden)]
pub fn visit<S: State + Handler<Of = <S as State>::Machine>>(
    visit: Visit<<S::Machine as Fsm>::App>,
    state: S,
) -> Visited<S::Machine> {
    Box::pin(async move {
        let Visit { cx, since, value } = visit;
        let meta = &<S::Machine as Fsm>::GRAPH.states[S::INDEX];
        let Some((timeout, deadline)) = deadline(<S::Machine as Fsm>::GRAPH, meta, &since) else {
            return Ok(Turn::To(S::handle(&cx, state).await?, None));
        };
        let body = move |inner: Cx<_>| -> BoxFuture<'_, _> { Box::pin(async move { S::handle(&inner, state).await }) };
        match against(&cx, meta.site, deadline, S::ACCEPTS, Result::is_err, body).await {
            Some(next) => Ok(Turn::To(next?, None)),
            None => {
                // The handler had the state; a timeout gets it as it was recorded.
                let at = cx.scope();
                let present: S::Machine = host::value(&*cx.host, &at, meta.site, &value).await;
                Ok(Turn::To(S::TIMEOUTS[timeout](present), Some(timeout)))
            }
        }
    })
}

/// The first of a state's deadlines, and which of its timeouts that is: of two at one moment the innermost.
pub(crate) fn deadline(graph: &Graph, meta: &StateMeta, since: &Since) -> Option<(usize, Timestamp)> {
    let moment = |timeout: &TimeoutMeta| {
        let group = timeout.group.and_then(|group| graph.groups.get(usize::from(group)));
        // A group that the state was put into after it was entered counts from then on, too.
        let begun = group.and_then(|group| since.group(group.name)).unwrap_or(since.at);
        begun.after(timeout.after)
    };
    meta.timeouts.iter().map(moment).enumerate().min_by_key(|(timeout, moment)| (*moment, *timeout))
}
