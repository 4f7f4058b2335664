//! A body against timers: the handler of a state that has timeouts.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use super::branches::{Branch, Group, branch, run};
use super::{Cx, Sleep};
use crate::engine::{GroupKind, Wake};
use crate::platform::BoxFuture;
use crate::step::Site;

const RACE: Group = Group { kind: GroupKind::Race, limit: usize::MAX };

/// Runs a body until it ends, or the first of some timers wakes: then the body is stopped as the loser of a race is, and what it
/// did is undone. The timers come first, so that of a body whose time is over nothing begins.
///
/// Gives what the body gave, or which timer it was. A body that `fails` decides nothing: the run fails with it, timers and all.
pub(crate) async fn against<'c, App, T>(
    cx: &'c Cx<App>,
    site: Site,
    timers: &[Wake],
    fails: fn(&T) -> bool,
    body: impl FnOnce(Cx<App>) -> BoxFuture<'c, T> + Send + 'c,
) -> Result<T, usize>
where
    App: Send + Sync + 'static,
    T: Send + 'c,
{
    let at = cx.take_position();
    let mut branches: Vec<Branch<'c>> = Vec::with_capacity(timers.len() + 1);
    let over = Arc::new(AtomicBool::new(false));
    for (index, wake) in (0..).zip(timers) {
        let (timer, over) = (branch(cx, &at, index, site, Sleep::new(*wake), |()| true).0, over.clone());
        branches.push(Box::pin(async move {
            let decides = timer.await;
            over.store(true, Ordering::Relaxed);
            decides
        }));
    }
    let last = u32::try_from(timers.len()).unwrap_or(u32::MAX);
    let (body, ended) = super::branches::body(cx.branch(&at, last), body, fails);
    branches.push(body);
    let mut group = pin!(run(&*cx.host, at, site, RACE, branches));
    let won = poll_fn(|cx| match group.as_mut().poll(cx) {
        Poll::Ready(won) => Poll::Ready(won),
        // One that has lost is stopped; what it says then, nobody hears.
        Poll::Pending if ended.is(fails) && !over.load(Ordering::Relaxed) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    match won.await.map(|won| won as usize) {
        Some(won) if won < timers.len() => Err(won),
        _ => Ok(ended.taken().await),
    }
}
