//! A stop of the saga's own.

use super::{Cx, Durable};
use crate::plan::{Described, Plan};
use crate::platform::BoxFuture;
use crate::step::Site;

/// A stop: a call of [`pause`].
#[derive(Debug)]
#[must_use = "a saga pauses only when this is awaited: add `.await`"]
pub struct Pause {
    reason: String,
}

/// Stops the run until somebody resumes it, with [`Engine::resume`](crate::Engine::resume) or the paused run's handle.
/// Everything that the run does at once stops at its next await.
pub fn pause(reason: &str) -> Pause {
    Pause { reason: reason.to_owned() }
}

impl Described for Pause {
    const PLAN: Plan = Plan::Pause;
}

impl<App: Send + Sync + 'static> Durable<App> for Pause {
    type Output = ();

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, ()>
    where
        Self: 'c,
    {
        cx.host.pause(cx.take_position(), site, self.reason)
    }
}
