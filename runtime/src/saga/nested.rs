//! A saga awaited inside another: a scope of the same run.

use crate::codec;
use crate::engine::host::{Entered, decoded};
use crate::ops::{Cx, Durable};
use crate::platform::BoxFuture;
use crate::saga::{Saga, SagaCall};
use crate::step::Site;

impl<S, App> Durable<App> for SagaCall<'_, S>
where
    S: Saga<App>,
    App: Send + Sync + 'static,
{
    type Output = S::Ret;

    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, S::Ret>
    where
        Self: 'c,
    {
        let at = cx.take_position();
        Box::pin(async move {
            let host = &*cx.host;
            let recorded = match host.enter(at.clone(), site, S::meta()).await {
                Entered::Ended(recorded) => recorded,
                Entered::Body => {
                    let inner = Cx::new(cx.host.clone(), cx.app.clone(), at.clone());
                    let result = match S::split(S::body(&inner, self.args).await) {
                        Ok(value) => codec::encode(&value).map(Ok),
                        Err(error) => codec::encode(&error).map(Err),
                    };
                    match result {
                        Ok(result) => host.leave(at.clone(), result).await,
                        Err(error) => match host.unrecordable(at.clone(), site, error.to_string()).await {},
                    }
                }
            };
            let decoded = match recorded {
                Ok(value) => decoded(host, &at, site, codec::decode(&value)).await.map(Ok),
                Err(error) => decoded(host, &at, site, codec::decode(&error)).await.map(Err),
            };
            match decoded {
                Ok(result) => S::join(result),
                Err(never) => match never {},
            }
        })
    }
}
