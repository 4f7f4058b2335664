//! A saga awaited inside another: a scope of the same run.

use crate::codec::Recordable;
use crate::engine::host::{self, Entered};
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
            let seam = &*cx.host;
            let args = match S::hash_args(&self.args) {
                Ok(args) => args,
                Err(error) => match seam.unrecordable(at.clone(), site, error.to_string()).await {},
            };
            let recorded = match seam.enter(at.clone(), site, S::meta(), args).await {
                Entered::Ended(recorded) => recorded,
                Entered::Body => {
                    let inner = Cx::new(cx.host.clone(), cx.app.clone(), at.clone());
                    let result = match S::split(S::body(&inner, self.args).await) {
                        Ok(value) => value.record().map(|(json, _)| Ok(json)),
                        Err(error) => seam.redaction().error(&error).map(|(json, _)| Err(json)),
                    };
                    match result {
                        Ok(result) => seam.leave(at.clone(), result).await,
                        Err(error) => match seam.unrecordable(at.clone(), site, error.to_string()).await {},
                    }
                }
            };
            S::join(host::end(seam, &at, site, recorded).await)
        })
    }
}
