//! A saga with its types taken away, for the engine.

use std::marker::PhantomData;
use std::sync::Arc;

use super::Saga;
use crate::codec::{Payload, Recordable};
use crate::engine::{BodyEnd, Host, Misfit, Since, Workflow};
use crate::id::Position;
use crate::io::Lent;
use crate::ops::Cx;
use crate::plan::WorkflowMeta;
use crate::platform::BoxFuture;

/// A saga together with the app it runs on.
pub(crate) struct SagaWorkflow<S, App> {
    app: Arc<App>,
    saga: PhantomData<fn() -> S>,
}

impl<S, App> SagaWorkflow<S, App> {
    pub(crate) fn new(app: Arc<App>) -> Self {
        SagaWorkflow { app, saga: PhantomData }
    }
}

impl<S: Saga<App>, App: Send + Sync + 'static> Workflow for SagaWorkflow<S, App> {
    fn meta(&self) -> &'static WorkflowMeta {
        S::meta()
    }

    fn body(
        &self,
        host: Arc<dyn Host>,
        input: &Payload,
        root: Position,
        _: &Since,
    ) -> Result<BoxFuture<'static, BodyEnd>, Misfit> {
        let args = S::decode_args(input)?;
        let cx = Cx::new(host.clone(), Arc::new(Lent(self.app.clone())), root);
        Ok(Box::pin(async move {
            let encoded = match S::split(S::root(cx, args).await) {
                Ok(value) => value.record().map(|(json, _)| BodyEnd::Done(json)),
                Err(error) => host.redaction().error(&error).map(|(json, _)| BodyEnd::Failed(json)),
            };
            encoded.unwrap_or_else(BodyEnd::Unrecordable)
        }))
    }
}
