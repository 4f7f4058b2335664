//! Awaiting a step.

use super::{Cx, Durable};
use crate::engine::host;
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
            let recorded = cx.host.step(at.clone(), site, &mut prepared).await;
            match prepared.take_decoded() {
                Some(result) => S::join(result),
                None => S::join(host::end(&*cx.host, &at, site, recorded).await),
            }
        })
    }
}
