//! The traits that `#[saga]` implements on its hidden type.

use super::SagaCall;
use crate::codec::{DecodeError, EncodeError, Payload};
use crate::ops::Cx;
use crate::plan::{Plan, WorkflowMeta, WorkflowSig};
use crate::platform::BoxFuture;
use crate::step::{Signature, for_each_arity};

/// A saga's name, plan and arguments. Implemented by `#[saga]`, not by hand.
// Its output and error are told by `Signature`, and so is what is wrong with them: once.
pub trait SagaSig: Signature {
    /// The name on disk.
    const NAME: &'static str;
    /// The version, from 1.
    const VERSION: u32;
    /// What the body awaits.
    const PLAN: &'static Plan;

    /// What the attribute and the body say.
    fn meta() -> &'static WorkflowMeta;

    /// The arguments as they are decoded from the start record.
    type Owned: Send + 'static;

    /// What the runs that share one limit of concurrency have in common (`key = ..`);
    /// none if all runs of the saga share it.
    fn key(args: &Self::Args<'_>) -> Option<String> {
        let _ = args;
        None
    }

    /// The arguments as JSON, for the start record.
    ///
    /// # Errors
    /// When JSON cannot hold one of them.
    fn encode_args(args: &Self::Args<'_>) -> Result<Payload, EncodeError>;

    /// The arguments from the start record.
    ///
    /// # Errors
    /// When the record is not that of these arguments.
    fn decode_args(input: &Payload) -> Result<Self::Owned, DecodeError>;
}

impl<S: SagaSig> WorkflowSig for S {
    type Output = S::Ok;
    type Error = S::Err;

    const NAME: &'static str = <S as SagaSig>::NAME;
    const VERSION: u32 = <S as SagaSig>::VERSION;
    const PLAN: &'static Plan = <S as SagaSig>::PLAN;

    fn meta() -> &'static WorkflowMeta {
        <S as SagaSig>::meta()
    }
}

/// A saga that can run on an engine whose app is `App`. Implemented by `#[saga]`, not by hand.
#[diagnostic::on_unimplemented(
    message = "this saga needs another app than `{App}`",
    label = "the saga's `app = ..` is not `{App}`",
    note = "on an engine, give the app before the saga: `Engine::builder(path).app(..).saga(..)`",
    note = "in another saga, write `#[saga(app = ..)]` on that one, too"
)]
pub trait Saga<App>: SagaSig {
    /// The body, inside another saga.
    fn body<'c, 'a: 'c>(cx: &'c Cx<App>, args: Self::Args<'a>) -> BoxFuture<'c, Self::Ret>;

    /// The body as a run of its own.
    fn root(cx: Cx<App>, args: Self::Owned) -> BoxFuture<'static, Self::Ret>;
}

/// A function with `#[saga]`, which names its saga by value: `.saga(checkout)`.
/// `Shape` only tells the arities apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a saga",
    label = "expected a function with `#[saga]`",
    note = "name the function itself, without calling it: `.saga(checkout)`"
)]
pub trait SagaFn<Shape> {
    /// The saga's hidden type.
    type Saga: SagaSig;
}

macro_rules! saga_fn_for {
    ($($arg:ident)*) => {
        impl<'x, Func, $($arg,)* S> SagaFn<($($arg,)* SagaCall<'x, S>,)> for Func
        where
            Func: Fn($($arg),*) -> SagaCall<'x, S>,
            S: SagaSig,
        {
            type Saga = S;
        }
    };
}
for_each_arity!(saga_fn_for);
