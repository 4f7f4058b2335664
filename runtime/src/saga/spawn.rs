//! Runs that a run starts.

use std::fmt;
use std::marker::PhantomData;

use super::{SagaCall, SagaSig};
use crate::engine::{ChildError, NewChild, child_end};
use crate::id::RunId;
use crate::ops::{Cx, Durable};
use crate::plan::{Described, Plan, WorkflowRef};
use crate::platform::BoxFuture;
use crate::record::Name;
use crate::step::Site;

/// The start of a run of its own: a call of [`spawn`].
#[must_use = "no run is started unless this is awaited: add `.await`"]
#[derive(Debug)]
pub struct Spawn<'a, S: SagaSig> {
    call: SagaCall<'a, S>,
    id: Option<RunId>,
    linked: bool,
}

/// Starts a saga as a run of its own, with an id, a status and a history of its own, and gives a [`Child`] to wait for:
/// `let child = spawn(ship(order)).await; .. child.await?`. Its start and this run's record of it are one.
///
/// The saga must be registered on the engine. The child goes on by itself, awaited or not, whatever becomes of this
/// run, unless it is [`linked`](Spawn::linked).
pub fn spawn<S: SagaSig>(call: SagaCall<'_, S>) -> Spawn<'_, S> {
    Spawn { call, id: None, linked: false }
}

impl<S: SagaSig> Spawn<'_, S> {
    /// Cancels the child when what this saga did is undone, and waits for its end then.
    pub fn linked(self) -> Self {
        Spawn { linked: true, ..self }
    }

    /// The child's id; else it is made of this run's id and the place of the call. A run of this id that was started
    /// with the same workflow and input before is the child.
    pub fn id(self, id: impl Into<RunId>) -> Self {
        Spawn { id: Some(id.into()), ..self }
    }
}

impl<S: SagaSig> Described for Spawn<'_, S> {
    const PLAN: Plan = Plan::Spawn(WorkflowRef { name: S::NAME, version: S::VERSION, meta: S::meta });
}

impl<S: SagaSig, App: Send + Sync + 'static> Durable<App> for Spawn<'_, S> {
    type Output = Child<S>;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Child<S>>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            let seam = &*cx.host;
            let args = &self.call.args;
            let input = super::input::<S>(args).and_then(|input| Ok((input, S::hash_args(args)?)));
            let (input, hash) = match input {
                Ok(input) => input,
                Err(error) => match seam.unrecordable(at, site, error.to_string()).await {},
            };
            let child = NewChild {
                id: self.id,
                workflow: Name::Borrowed(S::NAME),
                version: S::VERSION,
                input,
                args: hash,
                key: S::key(args),
                linked: self.linked,
            };
            Child { id: seam.spawn(at, site, child).await, saga: PhantomData }
        })
    }
}

/// A run that this one has started. Awaiting it, or `&child`, gives how it ended.
pub struct Child<S> {
    id: RunId,
    saga: PhantomData<fn() -> S>,
}

impl<S> Child<S> {
    /// The child's id.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }
}

impl<S> Clone for Child<S> {
    fn clone(&self) -> Self {
        Child { id: self.id.clone(), saga: PhantomData }
    }
}

impl<S> fmt::Debug for Child<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.id).finish()
    }
}

impl<S> Described for Child<S> {
    const PLAN: Plan = Plan::Child;
}

impl<S> Described for &Child<S> {
    const PLAN: Plan = Plan::Child;
}

impl<S: SagaSig, App: Send + Sync + 'static> Durable<App> for Child<S> {
    type Output = Result<S::Ok, ChildError<S::Err>>;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            let seam = &*cx.host;
            let end = seam.child(at.clone(), site, self.id.clone()).await;
            match child_end::<S::Ok, S::Err>(&end) {
                Ok(end) => end,
                Err(Some(error)) => match seam.unreadable(at, error).await {},
                Err(None) => {
                    let found = "awaits a child of another type".to_owned();
                    match seam.diverge(at, site, found).await {}
                }
            }
        })
    }
}

impl<S: SagaSig, App: Send + Sync + 'static> Durable<App> for &Child<S> {
    type Output = Result<S::Ok, ChildError<S::Err>>;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
    where
        Self: 'c,
    {
        self.clone().perform(cx, site)
    }
}
