//! What calling a saga's function gives.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::SagaSig;
use crate::plan::{Described, Plan, WorkflowRef};
use crate::step::{StepCall, StepSig};

/// A call of a saga that has not been made yet: give it to
/// [`Engine::start`](crate::Engine::start), or await it in another saga.
#[must_use = "a saga runs only when it is started on an engine or awaited in another saga"]
pub struct SagaCall<'a, S: SagaSig> {
    pub(crate) args: S::Args<'a>,
}

impl<'a, S: SagaSig> SagaCall<'a, S> {
    #[doc(hidden)]
    pub fn new(args: S::Args<'a>) -> Self {
        SagaCall { args }
    }
}

impl<S: SagaSig> fmt::Debug for SagaCall<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaCall").field("saga", &S::NAME).finish_non_exhaustive()
    }
}

/// Implemented by nothing: it makes the compiler say what to do about a saga
/// that is awaited where no engine runs it.
#[diagnostic::on_unimplemented(
    message = "a saga is awaited outside a saga",
    label = "only an engine or another saga can run a saga",
    note = "run it on an engine, `engine.run(checkout(order)).await`, or await it in an `async fn` with `#[saga]`"
)]
pub trait OutsideEngine {}

impl<S: SagaSig + OutsideEngine> Future for SagaCall<'_, S> {
    type Output = S::Ret;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<S::Ret> {
        // No type is `OutsideEngine`, so this is never called.
        Poll::Pending
    }
}

impl<S: SagaSig> Described for SagaCall<'_, S> {
    const PLAN: Plan = Plan::Saga(WorkflowRef { name: S::NAME, version: S::VERSION, meta: S::meta });
}

impl<S: StepSig> Described for StepCall<'_, S> {
    const PLAN: Plan = Plan::Step(S::META);
}
