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

/// What chance can give: whole numbers over their whole range, `bool`, floats from 0 (included) to 1 (not),
/// arrays and tuples of these. Not to be implemented elsewhere.
pub trait Random: Sized + Send {
    #[doc(hidden)]
    const BYTES: usize;

    #[doc(hidden)]
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! whole {
    ($($ty:ty),*) => {
        $(impl Random for $ty {
            const BYTES: usize = size_of::<$ty>();

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(<$ty>::from_le_bytes)
            }
        })*
    };
}

whole!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

impl Random for bool {
    const BYTES: usize = 1;

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        u8::from_bytes(bytes).map(|byte| byte & 1 == 1)
    }
}

impl Random for f64 {
    const BYTES: usize = 8;

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // As many steps as a float has bits for, all alike.
        u64::from_bytes(bytes).map(|word| (word >> 11) as f64 / (1u64 << 53) as f64)
    }
}

impl Random for f32 {
    const BYTES: usize = 4;

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        u32::from_bytes(bytes).map(|word| (word >> 8) as f32 / (1u32 << 24) as f32)
    }
}

impl<T: Random, const N: usize> Random for [T; N] {
    const BYTES: usize = N * T::BYTES;

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let items: Option<Vec<T>> = bytes.chunks(T::BYTES.max(1)).map(T::from_bytes).collect();
        items?.try_into().ok()
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Random),*> Random for ($($name,)*) {
            const BYTES: usize = 0 $(+ $name::BYTES)*;

            #[allow(unused_assignments, reason = "nothing follows the last one")]
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                let mut rest = bytes;
                Some(($({
                    let (own, behind) = rest.split_at_checked($name::BYTES)?;
                    rest = behind;
                    $name::from_bytes(own)?
                },)*))
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_are_made_of_their_bytes_and_of_no_others() {
        assert_eq!(<[u16; 2]>::from_bytes(&[1, 0, 2, 0]), Some([1, 2]));
        assert_eq!(<(bool, u16)>::from_bytes(&[3, 2, 1]), Some((true, 258)));
        assert_eq!(u32::from_bytes(&[1, 2, 3]), None);
        assert_eq!(<[u8; 3]>::from_bytes(&[1, 2]), None);
        assert_eq!(f64::from_bytes(&[255; 8]), Some(1.0 - f64::EPSILON / 2.0));
        assert_eq!(f32::from_bytes(&[0; 4]), Some(0.0));
        assert!(f32::from_bytes(&[255; 4]).is_some_and(|most| most < 1.0));
    }
}
