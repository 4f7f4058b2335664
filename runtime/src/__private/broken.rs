//! What stands in for code that was refused, so that nothing else fails with it.

use std::any::TypeId;
use std::marker::PhantomData;

use crate::codec::{DecodeError, EncodeError, Payload};
use crate::io::Io;
use crate::ops::Cx;
use crate::plan::{Plan, WorkflowMeta};
use crate::platform::BoxFuture;
use crate::run::RetryPolicy;
use crate::saga::{Saga, SagaSig};
use crate::step::{CancelMode, Effect, Never, Signature, Site, Step, StepMeta, StepSig};

/// Stands for a step or saga whose signature was refused, so that its callers are told nothing.
#[derive(Debug)]
pub struct Broken<Ret>(PhantomData<fn() -> Ret>);

/// In the place of what was refused; such a program does not compile, so it is never called.
pub fn broken<T>() -> T {
    unreachable!("this code was refused when it was compiled")
}

/// In the place of a body that a macro could not read.
#[track_caller]
pub const fn unread_body(why: &str) {
    panic!("{}", why)
}

impl<Ret: Send + 'static> Signature for Broken<Ret> {
    type Args<'a> = ();
    type Ret = Ret;
    type Ok = Never;
    type Err = Never;

    fn split(_: Ret) -> Result<Never, Never> {
        broken()
    }

    fn join(_: Result<Never, Never>) -> Ret {
        broken()
    }

    fn hash_args((): &()) -> Result<u64, EncodeError> {
        broken()
    }
}

impl<Ret: Send + 'static> StepSig for Broken<Ret> {
    const META: &'static StepMeta = &StepMeta {
        name: "",
        site: Site::new("", 0),
        identity: TypeId::of::<()>,
        effect: Effect::Unspecified,
        pivot: false,
        retry: RetryPolicy::NONE,
        timeout: None,
        cancel: CancelMode::Finish,
        rate: None,
        undo: None,
    };
}

impl<App, Ret: Send + 'static> Step<App> for Broken<Ret> {
    fn run<'i, 'a: 'i>(_: &'i mut Io<App>, (): ()) -> BoxFuture<'i, Ret> {
        broken()
    }
}

impl<Ret: Send + 'static> SagaSig for Broken<Ret> {
    type Owned = ();

    const NAME: &'static str = "";
    const VERSION: u32 = 0;
    const PLAN: &'static Plan = &Plan::Dynamic;

    fn meta() -> &'static WorkflowMeta {
        broken()
    }

    fn encode_args((): &()) -> Result<Payload, EncodeError> {
        broken()
    }

    fn decode_args(_: &Payload) -> Result<(), DecodeError> {
        broken()
    }
}

impl<App, Ret: Send + 'static> Saga<App> for Broken<Ret> {
    fn body<'c, 'a: 'c>(_: &'c Cx<App>, (): ()) -> BoxFuture<'c, Ret> {
        broken()
    }

    fn root(_: Cx<App>, (): ()) -> BoxFuture<'static, Ret> {
        broken()
    }
}
