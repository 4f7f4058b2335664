//! A body against a timer: the handler of a state that has a timeout.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use super::branches::{self, Branch, Group, branch, run};
use super::{Cx, Sleep};
use crate::engine::{GroupKind, Wake};
use crate::platform::{BoxFuture, yield_now};
use crate::step::Site;
use crate::time::Timestamp;

const RACE: Group = Group { kind: GroupKind::Race, limit: usize::MAX };

/// Runs a body until it ends, or until a moment: then the body is stopped as the loser of a race is, and what it did is undone.
/// The timer comes first, so that of a body whose time is over nothing begins; unless one of the signals that it `accepts` waits: of
/// those that came in time none is lost because nobody looked.
///
/// Gives what the body gave; nothing if its time is over. A body that `fails` decides nothing: the run fails with it.
pub(crate) async fn against<'c, App, T>(
    cx: &'c Cx<App>,
    site: Site,
    deadline: Timestamp,
    accepts: &'c [&'static str],
    fails: fn(&T) -> bool,
    body: impl FnOnce(Cx<App>) -> BoxFuture<'c, T> + Send + 'c,
) -> Option<T>
where
    App: Send + Sync + 'static,
    T: Send + 'c,
{
    let at = cx.take_position();
    let (timer, _) = branch(cx, &at, 0, site, Sleep::new(Wake::At(deadline)), |()| true);
    let (body, ended) = branches::body(cx.branch(&at, 1), body, fails);
    let over = Arc::new(AtomicBool::new(false));
    let timer: Branch<'c> = Box::pin({
        let (over, at) = (over.clone(), at.clone());
        async move {
            let decides = timer.await;
            if cx.host.has_signal(&at, accepts) {
                // It came in time, and the body did not look in time: it is asked once more.
                yield_now().await;
            }
            over.store(true, Ordering::Relaxed);
            decides
        }
    });
    let mut group = pin!(run(&*cx.host, at, site, RACE, vec![timer, body]));
    let won = poll_fn(|cx| match group.as_mut().poll(cx) {
        Poll::Ready(won) => Poll::Ready(won),
        // One that has lost is stopped; what it says then, nobody hears.
        Poll::Pending if ended.is(fails) && !over.load(Ordering::Relaxed) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    match won.await {
        Some(0) => None,
        _ => Some(ended.taken().await),
    }
}
