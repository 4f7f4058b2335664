//! Runs that a run starts.

use std::fmt;
use std::marker::PhantomData;

use super::{StartArgs, Startable};
use crate::engine::{ChildError, NewChild, child_end};
use crate::id::RunId;
use crate::ops::{Cx, Durable};
use crate::plan::{Described, Plan, WorkflowRef, WorkflowSig};
use crate::platform::BoxFuture;
use crate::record::Name;
use crate::step::Site;

/// The start of a run of its own: a call of [`spawn`].
#[must_use = "no run is started unless this is awaited: add `.await`"]
#[derive(Debug)]
pub struct Spawn<W> {
    start: StartArgs,
    id: Option<RunId>,
    linked: bool,
    workflow: PhantomData<fn() -> W>,
}

/// Starts a saga, or a state machine by its initial state, as a run of its own, with an id, a status and a history of its own, and gives a [`Child`] to wait for:
/// `let child = spawn(ship(order)).await; .. child.await?`. Its start and this run's record of it are one.
///
/// The workflow must be registered on the engine. The child goes on by itself, awaited or not, whatever becomes of this
/// run, unless it is [`linked`](Spawn::linked).
pub fn spawn<C: Startable<Workflow = W>, W>(call: C) -> Spawn<W> {
    Spawn { start: call.into_start(), id: None, linked: false, workflow: PhantomData }
}

impl<W> Spawn<W> {
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

impl<W: WorkflowSig> Described for Spawn<W> {
    const PLAN: Plan = Plan::Spawn(WorkflowRef { name: W::NAME, version: W::VERSION, meta: W::meta });
}

impl<W: WorkflowSig, App: Send + Sync + 'static> Durable<App> for Spawn<W> {
    type Output = Child<W>;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Child<W>>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            let seam = &*cx.host;
            let (input, hash) = match self.start.input {
                Ok(input) => input,
                Err(error) => match seam.unrecordable(at, site, error.to_string()).await {},
            };
            let child = NewChild {
                id: self.id,
                workflow: Name::Borrowed(W::NAME),
                version: W::VERSION,
                input,
                args: hash,
                key: self.start.key,
                linked: self.linked,
            };
            Child { id: seam.spawn(at, site, child).await, workflow: PhantomData }
        })
    }
}

/// A run that this one has started. Awaiting it, or `&child`, gives how it ended.
pub struct Child<W> {
    id: RunId,
    workflow: PhantomData<fn() -> W>,
}

impl<W> Child<W> {
    /// The child's id.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }
}

impl<W> Clone for Child<W> {
    fn clone(&self) -> Self {
        Child { id: self.id.clone(), workflow: PhantomData }
    }
}

impl<W> fmt::Debug for Child<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.id).finish()
    }
}

impl<W> Described for Child<W> {
    const PLAN: Plan = Plan::Child;
}

impl<W> Described for &Child<W> {
    const PLAN: Plan = Plan::Child;
}

impl<W: WorkflowSig, App: Send + Sync + 'static> Durable<App> for Child<W> {
    type Output = Result<W::Output, ChildError<W::Error>>;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            let seam = &*cx.host;
            let end = seam.child(at.clone(), site, self.id.clone()).await;
            match child_end::<W::Output, W::Error>(&end) {
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

impl<W: WorkflowSig, App: Send + Sync + 'static> Durable<App> for &Child<W> {
    type Output = Result<W::Output, ChildError<W::Error>>;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
    where
        Self: 'c,
    {
        self.clone().perform(cx, site)
    }
}
