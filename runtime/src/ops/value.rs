//! The clock and chance, recorded: what a body may know of the world without a step.

use std::fmt;
use std::marker::PhantomData;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use super::{Cx, Durable};
use crate::engine::{Draw, host};
use crate::id::Position;
use crate::io::Random;
use crate::plan::{Described, Plan};
use crate::platform::BoxFuture;
use crate::step::Site;
use crate::time::Timestamp;

/// A recorded moment: a call of [`now`].
#[derive(Debug)]
#[must_use = "a saga is told the time only when this is awaited: add `.await`"]
pub struct Now(());

/// The time by the wall clock. Recorded, so that a replay is told the same; within a run it never goes backwards.
pub fn now() -> Now {
    Now(())
}

impl Described for Now {
    const PLAN: Plan = Plan::Now;
}

impl<App: Send + Sync + 'static> Durable<App> for Now {
    type Output = SystemTime;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, SystemTime>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            let payload = cx.host.draw(at.clone(), site, Draw::Now).await;
            let text: String = host::value(&*cx.host, &at, site, &payload).await;
            match Timestamp::from_rfc3339(&text) {
                Some(moment) => moment.into(),
                None => other(cx, at, site, "asks for the time").await,
            }
        })
    }
}

/// A recorded random value: a call of [`random`].
#[must_use = "a saga is given a value only when this is awaited: add `.await`"]
pub struct RandomValue<T>(PhantomData<fn() -> T>);

/// A random value, from the operating system. Recorded, so that a replay is given the same: `random::<u64>().await`.
pub fn random<T: Random>() -> RandomValue<T> {
    RandomValue(PhantomData)
}

impl<T> fmt::Debug for RandomValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RandomValue")
    }
}

impl<T> Described for RandomValue<T> {
    const PLAN: Plan = Plan::Random;
}

impl<T: Random, App: Send + Sync + 'static> Durable<App> for RandomValue<T> {
    type Output = T;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, T>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            match drawn(cx, &at, site, "random", T::BYTES).await.as_deref().and_then(T::from_bytes) {
                Some(value) => value,
                None => other(cx, at, site, "asks for a random value of another size").await,
            }
        })
    }
}

/// A recorded identifier: a call of [`uuid()`].
#[derive(Debug)]
#[must_use = "a saga is given an identifier only when this is awaited: add `.await`"]
pub struct NewUuid(());

/// A random UUID (version 4). Recorded, so that a replay is given the same.
pub fn uuid() -> NewUuid {
    NewUuid(())
}

impl Described for NewUuid {
    const PLAN: Plan = Plan::Uuid;
}

impl<App: Send + Sync + 'static> Durable<App> for NewUuid {
    type Output = Uuid;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Uuid>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            let bytes = drawn(cx, &at, site, "uuid", 16).await;
            match bytes.and_then(|bytes| bytes.try_into().ok()) {
                Some(bytes) => uuid::Builder::from_random_bytes(bytes).into_uuid(),
                None => other(cx, at, site, "asks for a UUID").await,
            }
        })
    }
}

/// Recorded random bytes; none if what is recorded is something else.
async fn drawn<App>(cx: &Cx<App>, at: &Position, site: Site, source: &'static str, count: usize) -> Option<Vec<u8>> {
    let payload = cx.host.draw(at.clone(), site, Draw::Bytes { source, count }).await;
    let text: String = host::value(&*cx.host, at, site, &payload).await;
    STANDARD.decode(text).ok()
}

/// What was recorded is no such value.
async fn other<App, T>(cx: &Cx<App>, at: Position, site: Site, found: &str) -> T {
    match cx.host.diverge(at, site, found.to_owned()).await {}
}
