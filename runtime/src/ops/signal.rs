//! Messages from outside.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::{Cx, Durable};
use crate::codec::Recordable;
use crate::engine::host;
use crate::plan::{Described, Plan};
use crate::platform::BoxFuture;
use crate::step::Site;

/// A message that a run can be sent. Implemented by `#[signal]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a signal",
    label = "this type has no `#[signal]`",
    note = "write `#[signal]` and `#[derive(Serialize, Deserialize)]` on the type"
)]
pub trait Signal: Recordable + Send + 'static {
    /// The name on disk.
    const NAME: &'static str;
}

/// A wait for a signal: a call of [`signal`].
#[must_use = "a saga waits for a signal only when this is awaited: add `.await`"]
pub struct SignalWait<T>(PhantomData<fn() -> T>);

/// Waits in a saga for the next signal of type `T`. One that came before
/// anybody waited for it is kept, and taken first.
// Without the bound, which awaiting it has: one missing `#[signal]` is one error.
pub fn signal<T>() -> SignalWait<T> {
    SignalWait(PhantomData)
}

impl<T: Signal> fmt::Debug for SignalWait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalWait").field("signal", &T::NAME).finish()
    }
}

impl<T: Signal> Described for SignalWait<T> {
    const PLAN: Plan = Plan::Signal(T::NAME);
}

impl<T: Signal, App: Send + Sync + 'static> Durable<App> for SignalWait<T> {
    type Output = T;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, T>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            match cx.host.signal(at.clone(), site, T::NAME, None).await {
                Some(payload) => host::value(&*cx.host, &at, site, &payload).await,
                // Without a limit a wait ends with a signal.
                None => std::future::pending().await,
            }
        })
    }
}

impl<T> SignalWait<T> {
    /// Waits no longer than this by the wall clock, as [`sleep`](crate::sleep()) does: then [`Elapsed`] is what was recorded.
    pub fn timeout(self, limit: Duration) -> SignalTimeout<T> {
        SignalTimeout { limit, signal: self }
    }
}

/// A wait for a signal with a limit: [`SignalWait::timeout`].
#[must_use = "a saga waits for a signal only when this is awaited: add `.await`"]
pub struct SignalTimeout<T> {
    limit: Duration,
    signal: SignalWait<T>,
}

impl<T: Signal> fmt::Debug for SignalTimeout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalTimeout").field("limit", &self.limit).field("signal", &self.signal).finish()
    }
}

/// No signal came within the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("no signal came within {after:?}")]
#[non_exhaustive]
pub struct Elapsed {
    /// The limit.
    pub after: Duration,
}

impl<T: Signal> Described for SignalTimeout<T> {
    const PLAN: Plan = Plan::Signal(T::NAME);
}

impl<T: Signal, App: Send + Sync + 'static> Durable<App> for SignalTimeout<T> {
    type Output = Result<T, Elapsed>;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            match cx.host.signal(at.clone(), site, T::NAME, Some(self.limit)).await {
                Some(payload) => Ok(host::value(&*cx.host, &at, site, &payload).await),
                None => Err(Elapsed { after: self.limit }),
            }
        })
    }
}
