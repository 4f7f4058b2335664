//! The traits that `#[step]` implements on its hidden type.

use super::{Signature, StepCall, StepMeta, TimedOut, for_each_arity};
use crate::codec::{EncodeError, Payload};
use crate::io::Io;
use crate::platform::BoxFuture;

/// A step's policies. Implemented by `#[step]`, not by hand.
pub trait StepSig: Signature {
    /// What the attribute says.
    const META: &'static StepMeta;

    /// A copy of the arguments for a later attempt; steps without `retry` have none.
    fn copy_args<'a>(args: &Self::Args<'a>) -> Option<Self::Args<'a>> {
        let _ = args;
        None
    }

    /// The arguments that the undo expressions name, encoded as one tuple; none if there is no undo.
    ///
    /// # Errors
    /// When JSON cannot hold one of them.
    fn undo_args(args: &Self::Args<'_>) -> Result<Option<Payload>, EncodeError> {
        let _ = args;
        Ok(None)
    }

    /// Whether an error is worth another attempt (`retry(when = ..)`).
    fn is_retryable(error: &Self::Err) -> bool {
        let _ = error;
        true
    }

    /// Whether an error leaves unknown what the attempt did (`unknown_when = ..`).
    fn is_unknown(error: &Self::Err) -> bool {
        let _ = error;
        false
    }

    /// The error that a timeout becomes; none for steps without `timeout`.
    fn timed_out(timed_out: TimedOut) -> Option<Self::Err> {
        let _ = timed_out;
        None
    }
}

/// A function with `#[step]`, which names its step by value: `.step(charge)`.
/// `Shape` only tells the arities apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step",
    label = "expected a function with `#[step]`",
    note = "name the function itself, without calling it: `.step(charge)`"
)]
pub trait StepFn<Shape> {
    /// The step's hidden type.
    type Step: StepSig;
}

macro_rules! step_fn_for {
    ($($arg:ident)*) => {
        impl<'x, Func, $($arg,)* S> StepFn<($($arg,)* StepCall<'x, S>,)> for Func
        where
            Func: Fn($($arg),*) -> StepCall<'x, S>,
            S: StepSig,
        {
            type Step = S;
        }
    };
}
for_each_arity!(step_fn_for);

/// A step that can run on an engine whose app is `App`. Implemented by `#[step]`, not by hand.
#[diagnostic::on_unimplemented(
    message = "this step needs another app than `{App}`",
    label = "the app of the step's `Io<..>` is not `{App}`",
    note = "on the saga that awaits it, or on the step that it undoes, write `app = ..` with the app that its `io: &mut Io<..>` names"
)]
pub trait Step<App>: StepSig {
    /// Runs the body once.
    fn run<'i, 'a: 'i>(io: &'i mut Io<App>, args: Self::Args<'a>) -> BoxFuture<'i, Self::Ret>;
}
