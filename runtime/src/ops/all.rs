//! As many operations of one kind at once as there are items.

use super::branches::{Branch, Group, Output, branch, run};
use super::{Cx, Durable};
use crate::engine::GroupKind;
use crate::plan::{Described, Plan};
use crate::platform::BoxFuture;
use crate::step::{Fallible, Site};

/// Operations of one kind at once, each to its end: a call of [`all`].
#[derive(Debug)]
#[must_use = "nothing of it runs unless it is awaited in a saga: add `.await`"]
pub struct All<I> {
    operations: I,
    limit: usize,
}

/// Operations of one kind at once, until one fails: a call of [`try_all`].
#[derive(Debug)]
#[must_use = "nothing of it runs unless it is awaited in a saga: add `.await`"]
pub struct TryAll<I> {
    operations: I,
    limit: usize,
}

/// Awaits operations of one kind at once, each to its end, and gives their results in the order of the items:
/// `all(orders.iter().map(|order| ship(order.clone()))).concurrency(8).await`. One that fails does not stop the others.
///
/// The items must be the same, in the same order, in a replay: not those of a `HashMap`.
pub fn all<I>(operations: I) -> All<I> {
    All { operations, limit: usize::MAX }
}

/// As [`all`], for operations that give a `Result`: gives their values in the order of the items, or the first error.
/// With an error it returns when the others have ended as the losers of a [`race`](crate::race) do, and everything that
/// those did is undone.
pub fn try_all<I>(operations: I) -> TryAll<I> {
    TryAll { operations, limit: usize::MAX }
}

impl<I> All<I> {
    /// At most so many at once; all of them unless told otherwise, and at least 1.
    pub fn concurrency(self, limit: usize) -> Self {
        All { limit: limit.max(1), ..self }
    }
}

impl<I> TryAll<I> {
    /// At most so many at once; all of them unless told otherwise, and at least 1.
    pub fn concurrency(self, limit: usize) -> Self {
        TryAll { limit: limit.max(1), ..self }
    }
}

impl<I: IntoIterator<Item: Described>> Described for All<I> {
    const PLAN: Plan = Plan::All(&I::Item::PLAN);
}

impl<I: IntoIterator<Item: Described>> Described for TryAll<I> {
    const PLAN: Plan = Plan::TryAll(&I::Item::PLAN);
}

/// Each operation as a branch.
fn branches<'c, App, D>(
    cx: &'c Cx<App>,
    at: &crate::id::Position,
    site: Site,
    operations: Vec<D>,
    decides: fn(&D::Output) -> bool,
) -> (Vec<Branch<'c>>, Vec<Output<D::Output>>)
where
    App: Send + Sync + 'static,
    D: Durable<App> + 'c,
    D::Output: Send + 'c,
{
    (0..).zip(operations).map(|(index, operation)| branch(cx, at, index, site, operation, decides)).unzip()
}

impl<App, I> Durable<App> for All<I>
where
    App: Send + Sync + 'static,
    I: IntoIterator + Send,
    I::Item: Durable<App>,
    <I::Item as Durable<App>>::Output: Send,
{
    type Output = Vec<<I::Item as Durable<App>>::Output>;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        let operations: Vec<I::Item> = self.operations.into_iter().collect();
        let group = Group { kind: GroupKind::All, limit: self.limit };
        Box::pin(async move {
            let (branches, outputs) = branches(cx, &at, site, operations, |_| false);
            run(&*cx.host, at, site, group, branches).await;
            let mut results = Vec::with_capacity(outputs.len());
            for output in outputs {
                results.push(output.taken().await);
            }
            results
        })
    }
}

impl<App, I> Durable<App> for TryAll<I>
where
    App: Send + Sync + 'static,
    I: IntoIterator + Send,
    I::Item: Durable<App>,
    <I::Item as Durable<App>>::Output: Fallible<Ok: Send, Err: Send> + Send,
{
    type Output = Result<
        Vec<<<I::Item as Durable<App>>::Output as Fallible>::Ok>,
        <<I::Item as Durable<App>>::Output as Fallible>::Err,
    >;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        let operations: Vec<I::Item> = self.operations.into_iter().collect();
        let group = Group { kind: GroupKind::TryAll, limit: self.limit };
        Box::pin(async move {
            let (branches, mut outputs) = branches(cx, &at, site, operations, Fallible::is_err);
            let failed = run(&*cx.host, at, site, group, branches).await;
            if let Some(index) = failed {
                outputs = vec![outputs.swap_remove(index as usize)];
            }
            let mut values = Vec::with_capacity(outputs.len());
            for output in outputs {
                values.push(output.taken().await.split()?);
            }
            Ok(values)
        })
    }
}
