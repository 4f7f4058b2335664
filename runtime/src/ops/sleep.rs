//! Timers.

use std::time::{Duration, SystemTime};

use super::{Cx, Durable};
use crate::engine::Wake;
use crate::plan::{Described, Plan};
use crate::platform::BoxFuture;
use crate::step::Site;

/// A durable timer: a call of [`sleep`] or [`sleep_until`].
#[derive(Debug)]
#[must_use = "a timer runs only when it is awaited in a saga: add `.await`"]
pub struct Sleep {
    wake: Wake,
}

impl Sleep {
    pub(super) fn new(wake: Wake) -> Sleep {
        Sleep { wake }
    }
}

/// Waits in a saga for a time by the wall clock. The moment of waking is
/// recorded: a process that was down meanwhile wakes the saga at once.
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { wake: Wake::After(duration) }
}

/// Waits in a saga until a moment of the wall clock; one that is past is no wait. Take the moment from
/// [`now`](crate::now), from an argument or from a step's output, and not from a clock.
pub fn sleep_until(moment: SystemTime) -> Sleep {
    Sleep { wake: Wake::At(moment.into()) }
}

impl Described for Sleep {
    const PLAN: Plan = Plan::Sleep;
}

impl<App: Send + Sync + 'static> Durable<App> for Sleep {
    type Output = ();

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, ()>
    where
        Self: 'c,
    {
        cx.host.sleep(cx.take_position(), site, self.wake)
    }
}

/// `n` milliseconds.
#[must_use]
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// `n` seconds.
#[must_use]
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// `n` minutes of 60 seconds.
#[must_use]
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n.saturating_mul(60))
}

/// `n` hours of 60 minutes.
#[must_use]
pub const fn hours(n: u64) -> Duration {
    minutes(n.saturating_mul(60))
}

/// `n` days of 24 hours.
#[must_use]
pub const fn days(n: u64) -> Duration {
    hours(n.saturating_mul(24))
}
