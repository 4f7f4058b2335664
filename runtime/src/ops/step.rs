//! Awaiting a step.

use super::{Cx, Durable};
use crate::codec;
use crate::engine::host::decoded;
use crate::platform::BoxFuture;
use crate::step::{Prepared, Site, Step, StepCall};

impl<S, App> Durable<App> for StepCall<'_, S>
where
    S: Step<App>,
    App: Send + Sync + 'static,
{
    type Output = S::Ret;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, S::Ret>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        let mut prepared = Prepared::new(self, cx.app.clone());
        Box::pin(async move {
            let result = match cx.host.step(at.clone(), site, &mut prepared).await {
                Ok(output) => decoded(&*cx.host, &at, site, codec::decode(&output)).await.map(Ok),
                Err(error) => decoded(&*cx.host, &at, site, codec::decode(&error)).await.map(Err),
            };
            match result {
                Ok(result) => S::join(result),
                Err(never) => match never {},
            }
        })
    }
}
