//! A machine with its types taken away, for the engine.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{Fsm, FsmOn, Turn, Visit};
use crate::codec::{DecodeError, EncodeError, Payload};
use crate::engine::{BodyEnd, By, Entering, Host, Misfit, Since, Takes, Workflow};
use crate::id::Position;
use crate::io::Lent;
use crate::ops::Cx;
use crate::plan::{Graph, Policy, StateMeta, WorkflowMeta};
use crate::platform::BoxFuture;
use crate::record::Name;

/// A machine together with the app it runs on.
pub(crate) struct FsmWorkflow<M, App> {
    app: Arc<App>,
    machine: PhantomData<fn() -> M>,
}

impl<M: Fsm, App> FsmWorkflow<M, App> {
    pub(crate) fn new(app: Arc<App>) -> Self {
        FsmWorkflow { app, machine: PhantomData }
    }
}

/// What the graph says of the state that a value is.
fn meta<M: Fsm>(state: &M) -> &'static StateMeta {
    &M::GRAPH.states[state.index()]
}

impl<M, App> Workflow for FsmWorkflow<M, App>
where
    M: FsmOn<App>,
    App: Send + Sync + 'static,
{
    fn meta(&self) -> &'static WorkflowMeta {
        M::meta()
    }

    fn body(
        &self,
        host: Arc<dyn Host>,
        input: &Payload,
        root: Position,
        since: &Since,
    ) -> Result<BoxFuture<'static, BodyEnd>, Misfit> {
        let state = M::read(input).map_err(|error| misfit(M::GRAPH, since.name(), &error.to_string()))?;
        let visit =
            Visit::new(Cx::new(host.clone(), Arc::new(Lent(self.app.clone())), root), since.clone(), input.clone());
        let present = meta(&state);
        // One that is not known by its name any more may be read as another that is.
        if let Some(entered) =
            since.name().filter(|name| M::GRAPH.state(name).is_some_and(|known| known.name != present.name))
        {
            let found = format!("reads it as state `{}`: serde gives both one form", present.name);
            return Err(Misfit { expected: format!("state `{entered}`"), found });
        }
        Ok(Box::pin(async move {
            let encoded = match state.visit(visit).await {
                Ok(Turn::To(next, timer)) => recorded(&next)
                    .map(|value| BodyEnd::Enters(Box::new(entering(M::GRAPH, present, meta(&next), value, timer)))),
                Ok(Turn::Ended(state)) => state.record().map(|(value, _)| BodyEnd::Done(value)),
                Err(error) => host.redaction().error(&error).map(|(json, _)| BodyEnd::Failed(json)),
            };
            encoded.unwrap_or_else(BodyEnd::Unrecordable)
        }))
    }

    fn takes(&self, state: Option<&str>, value: &Payload, signal: &str) -> Takes {
        takes(M::GRAPH, state, || M::read(value).ok().map(|state| meta(&state)), signal)
    }
}

/// What a machine does with a signal in a state; `read` finds a state by its value.
pub(crate) fn takes(
    graph: &Graph,
    state: Option<&str>,
    read: impl FnOnce() -> Option<&'static StateMeta>,
    signal: &str,
) -> Takes {
    let known = match state {
        Some(name) => graph.state(name),
        None => graph.initial(),
    };
    // Its variant may have got another name, by which its JSON is still read.
    let Some(meta) = known.or_else(read) else { return Takes::Yes };
    match graph.policy(meta, signal) {
        Some(Policy::Accept) => Takes::Yes,
        Some(Policy::Defer) => Takes::Later { state: meta.name },
        Some(Policy::Ignore) => Takes::Ignored { state: meta.name },
        Some(Policy::Reject) | None => Takes::No { state: meta.name, accepts: graph.accepted(meta).collect() },
    }
}

/// A state's JSON, if it is read back as the same state: serde's attributes may make two of one form.
pub(super) fn recorded<M: Fsm>(state: &M) -> Result<Payload, EncodeError> {
    let (value, read) = state.record()?;
    let (meant, read) = (meta(state).name, meta(&read).name);
    match meant == read {
        true => Ok(value),
        false => {
            let error = format!(
                "state `{meant}` would be read back as `{read}`: serde gives both one form; rename one, or tag them"
            );
            Err(EncodeError::unreadable(DecodeError::new("state", error)))
        }
    }
}

/// What the engine is told of a state that is entered.
pub(crate) fn entering(
    graph: &Graph,
    present: &StateMeta,
    next: &'static StateMeta,
    value: Payload,
    timer: Option<usize>,
) -> Entering {
    let by = match timer {
        None => By::Handler,
        Some(timer) => By::Timeout { group: group_of(graph, present, timer).map(Name::Borrowed) },
    };
    let inside = still_inside(graph, present, &by);
    let ignored = |signal: &&&'static str| graph.policy(next, signal) == Some(Policy::Ignore);
    Entering {
        state: next.name,
        value,
        by,
        commit: next.commit,
        terminal: next.terminal,
        groups: graph.groups(next).map(|group| group.name).collect(),
        inside,
        ignores: graph.signals.iter().filter(ignored).copied().collect(),
    }
}

/// The groups that a state is in and that the run does not leave by going on from it: a group's timeout leads out of that group, and
/// of those inside it, also when the state that follows is in it.
fn still_inside(graph: &Graph, present: &StateMeta, by: &By) -> Vec<&'static str> {
    let left = match by {
        By::Timeout { group: Some(group) } => graph.groups(present).position(|around| around.name == group),
        _ => None,
    };
    graph.groups(present).skip(left.map_or(0, |left| left + 1)).map(|group| group.name).collect()
}

/// The group whose timeout it was; none for the state's own.
fn group_of(graph: &Graph, state: &StateMeta, timer: usize) -> Option<&'static str> {
    let group = state.timeouts.get(timer)?.group?;
    graph.groups.get(usize::from(group)).map(|group| group.name)
}

/// What is said of a recorded state that is none of the machine's any more.
fn misfit(graph: &Graph, state: Option<&str>, error: &str) -> Misfit {
    let name = state.or_else(|| graph.initial().map(|state| state.name)).unwrap_or_default();
    let expected = format!("state `{name}`");
    let found = match graph.state(name) {
        Some(_) => format!("cannot read it: {error}"),
        None => {
            let names: Vec<String> = graph.states.iter().map(|state| format!("`{}`", state.name)).collect();
            format!("has no such state: it has {}", names.join(", "))
        }
    };
    Misfit { expected, found }
}
