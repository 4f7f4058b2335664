//! Progress that others see.

use serde::Serialize;

use super::{Cx, Durable};
use crate::codec::{self, EncodeError, Payload};
use crate::plan::{Described, Plan};
use crate::platform::BoxFuture;
use crate::step::Site;

/// Progress that others see: a call of [`publish`].
#[derive(Debug)]
#[must_use = "nothing is published unless this is awaited in a saga: add `.await`"]
pub struct Publish {
    value: Result<Payload, EncodeError>,
}

/// Tells others how far the run has come: [`Run::progress`](crate::Run::progress) gives what was published last, and
/// [`Run::watch`](crate::Run::watch) each value when it is durable.
// Not over the value's type: the plan asks for the type of such a call without having a value.
pub fn publish(value: &dyn Publishable) -> Publish {
    Publish { value: value.encode() }
}

/// A value that can be published: one that serde can write.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published: it cannot be recorded",
    label = "this type does not implement `Serialize`",
    note = "write `#[derive(Serialize)]` on it (from `serde`)"
)]
pub trait Publishable {
    #[doc(hidden)]
    fn encode(&self) -> Result<Payload, EncodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Publishable for T {
    fn encode(&self) -> Result<Payload, EncodeError> {
        codec::encode(self)
    }
}

impl Described for Publish {
    const PLAN: Plan = Plan::Publish;
}

impl<App: Send + Sync + 'static> Durable<App> for Publish {
    type Output = ();

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, ()>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        match self.value {
            Ok(value) => cx.host.publish(at, site, value),
            Err(error) => {
                Box::pin(
                    async move { match cx.host.unrecordable(at, site, format!("what is published: {error}")).await {} },
                )
            }
        }
    }
}
