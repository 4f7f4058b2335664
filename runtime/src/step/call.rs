//! What calling a step's function gives.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::StepSig;

/// A call of a step that has not been made yet.
///
/// Awaited in a `#[saga]` body it is recorded and run. It is not a future
/// anywhere else, and it does nothing when it is dropped.
#[must_use = "a step runs only when it is awaited in a saga: add `.await`"]
pub struct StepCall<'a, S: StepSig> {
    pub(crate) args: S::Args<'a>,
}

impl<'a, S: StepSig> StepCall<'a, S> {
    #[doc(hidden)]
    pub fn new(args: S::Args<'a>) -> Self {
        StepCall { args }
    }
}

impl<S: StepSig> fmt::Debug for StepCall<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepCall").field("step", &S::META.name).finish_non_exhaustive()
    }
}

/// Implemented by nothing: it makes the compiler say what to do about a step
/// that is awaited where nobody can record it.
#[diagnostic::on_unimplemented(
    message = "a step is awaited outside a saga",
    label = "only a saga can await a step",
    note = "await it in an `async fn` with `#[saga]`, and start that with `engine.start(..)`"
)]
pub trait OutsideSaga {}

impl<S: StepSig + OutsideSaga> Future for StepCall<'_, S> {
    type Output = S::Ret;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<S::Ret> {
        // No type is `OutsideSaga`, so this is never called.
        Poll::Pending
    }
}
