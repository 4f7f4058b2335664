//! What the macros' expansions name.
//!
//! Only paths from here stand in generated code, so that a user's own names
//! cannot be taken for them. Not for users; may change at any time.

pub use core::clone::Clone;
pub use core::convert::{From, Into};
pub use core::marker::{PhantomData, Send};
pub use core::option::Option::{self, None, Some};
pub use core::result::Result::{self, Err, Ok};
pub use core::time::Duration;
pub use std::boxed::Box;

pub use serde;

pub use crate::codec::{DecodeError, EncodeError, Payload};
pub use crate::io::{Io, IoType, NoApp};
pub use crate::ops::{Cx, Durable, Signal, durable};
pub use crate::plan::{Described, Leaf, Plan, SagaMeta, SagaRef, fingerprint, leaf};
pub use crate::platform::BoxFuture;
pub use crate::run::RetryPolicy;
pub use crate::saga::{Saga, SagaCall, SagaSig};
pub use crate::step::{
    Effect, Fallible, Never, Site, Step, StepCall, StepMeta, StepSig, TimedOut, Undo, UndoError, UndoFn, UndoInput,
    UndoKind, Undoer, undo,
};

/// A value to be encoded or copied, if its type can be. Where it cannot, the
/// compiler has said so at the user's type, and says nothing here again.
#[derive(Debug)]
pub struct ByRef<'v, T: ?Sized>(pub &'v T);

/// Found first where `T` can be encoded.
pub trait Encodes {
    /// The value's JSON.
    ///
    /// # Errors
    /// When JSON cannot hold it.
    fn encode(&self) -> Result<Payload, EncodeError>;
}

impl<T: serde::Serialize + ?Sized> Encodes for ByRef<'_, T> {
    fn encode(&self) -> Result<Payload, EncodeError> {
        crate::codec::encode(self.0)
    }
}

/// Found where [`Encodes`] does not apply.
pub trait EncodesNot {
    /// Never called.
    ///
    /// # Errors
    /// None.
    fn encode(&self) -> Result<Payload, EncodeError>;
}

impl<T: ?Sized> EncodesNot for &ByRef<'_, T> {
    fn encode(&self) -> Result<Payload, EncodeError> {
        broken()
    }
}

/// Found first where `T` can be cloned.
pub trait Copies<T> {
    /// The value's copy.
    fn copy(&self) -> T;
}

impl<T: Clone> Copies<T> for ByRef<'_, T> {
    fn copy(&self) -> T {
        self.0.clone()
    }
}

/// Found where [`Copies`] does not apply.
pub trait CopiesNot<T> {
    /// Never called.
    fn copy(&self) -> T;
}

impl<T> CopiesNot<T> for &ByRef<'_, T> {
    fn copy(&self) -> T {
        broken()
    }
}

/// A type to be decoded, if it can be.
#[derive(Debug)]
pub struct As<T>(PhantomData<T>);

impl<T> As<T> {
    /// The type.
    pub const TYPE: As<T> = As(PhantomData);
}

/// Found first where `T` can be decoded.
pub trait Decodes<T> {
    /// The value of a JSON text.
    ///
    /// # Errors
    /// When the text is not that of a `T`.
    fn payload(&self, payload: &Payload) -> Result<T, DecodeError>;

    /// A step's recorded output.
    ///
    /// # Errors
    /// When it is missing, or not that of a `T`.
    fn output(&self, input: &UndoInput) -> Result<T, UndoError>;

    /// A step's recorded arguments.
    ///
    /// # Errors
    /// When they are missing, or not those of a `T`.
    fn args(&self, input: &UndoInput) -> Result<T, UndoError>;
}

impl<T: serde::de::DeserializeOwned> Decodes<T> for As<T> {
    fn payload(&self, payload: &Payload) -> Result<T, DecodeError> {
        crate::codec::decode(payload)
    }

    fn output(&self, input: &UndoInput) -> Result<T, UndoError> {
        input.output()
    }

    fn args(&self, input: &UndoInput) -> Result<T, UndoError> {
        input.args()
    }
}

/// Found where [`Decodes`] does not apply.
pub trait DecodesNot<T> {
    /// Never called.
    ///
    /// # Errors
    /// None.
    fn payload(&self, payload: &Payload) -> Result<T, DecodeError>;

    /// Never called.
    ///
    /// # Errors
    /// None.
    fn output(&self, input: &UndoInput) -> Result<T, UndoError>;

    /// Never called.
    ///
    /// # Errors
    /// None.
    fn args(&self, input: &UndoInput) -> Result<T, UndoError>;
}

impl<T> DecodesNot<T> for &As<T> {
    fn payload(&self, _: &Payload) -> Result<T, DecodeError> {
        broken()
    }

    fn output(&self, _: &UndoInput) -> Result<T, UndoError> {
        broken()
    }

    fn args(&self, _: &UndoInput) -> Result<T, UndoError> {
        broken()
    }
}

/// Whether a type is a `Result`, whatever it is called: `IsResult::<T>::YES`.
#[derive(Debug)]
pub struct IsResult<T>(PhantomData<T>);

impl<T, E> IsResult<Result<T, E>> {
    /// It is.
    pub const YES: bool = true;
}

/// The answer for every other type.
pub trait IsNoResult {
    /// It is not.
    const YES: bool = false;
}

impl<T> IsNoResult for IsResult<T> {}

/// An argument of a step.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a step: it cannot be recorded",
    label = "this type does not implement `Serialize`",
    note = "write `#[derive(Serialize, Deserialize)]` on it (from `serde`)"
)]
pub trait StepArg {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + ?Sized> StepArg for T {}

/// Checks an argument of a step.
pub const fn assert_step_arg<T: StepArg + ?Sized>() {}

/// An argument of a saga, as it is read back from its start record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a saga: it cannot be recorded and read back",
    label = "this type does not implement `Serialize` and `Deserialize`, or borrows",
    note = "write `#[derive(Serialize, Deserialize)]` on it (from `serde`), and take it by value or by plain reference"
)]
pub trait SagaArg {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned> SagaArg for T {}

/// Checks an argument of a saga.
pub const fn assert_saga_arg<T: SagaArg>() {}

/// An argument of a step that its undo names, as it is read back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument that `compensate` or `unknown` names: it cannot be recorded and read back",
    label = "this type does not implement `Serialize` and `Deserialize`, or borrows",
    note = "write `#[derive(Serialize, Deserialize)]` on it (from `serde`), and take it by value or by plain reference"
)]
pub trait UndoArg {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned> UndoArg for T {}

/// Checks an argument of a step that its undo names.
pub const fn assert_undo_arg<T: UndoArg>() {}

/// An argument that every attempt gets a copy of.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a step with `retry`: each attempt gets a copy of it",
    label = "this type does not implement `Clone`",
    note = "write `#[derive(Clone)]` on it, or take it by reference: `&{Self}`"
)]
pub trait RetryArg {}

#[diagnostic::do_not_recommend]
impl<T: Clone> RetryArg for T {}

/// Checks an argument of a step with `retry`.
pub const fn assert_retry_arg<T: RetryArg>() {}

/// The error of a step with a `timeout`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a step timed out",
    label = "this error does not implement `From<TimedOut>`",
    note = "write `impl From<TimedOut> for {Self}`, or leave `timeout` out"
)]
pub trait FromTimedOut {
    /// The error that a timeout becomes.
    fn from_timed_out(timed_out: TimedOut) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<TimedOut>> FromTimedOut for E {
    fn from_timed_out(timed_out: TimedOut) -> E {
        E::from(timed_out)
    }
}

/// An operation whose plan is asked for; never made.
#[derive(Debug)]
pub struct Probe<D>(pub D);

/// The answer: the operation's type tells its plan.
#[derive(Debug)]
pub struct HasPlan<D>(PhantomData<D>);

/// The answer: it does not. What is wrong with it, if anything is, the body
/// says where it awaits it.
#[derive(Debug)]
pub struct HasNoPlan;

/// An answer as a plan.
pub trait PlanTag {
    /// The plan.
    const PLAN: Plan;
}

impl<D: Described> PlanTag for HasPlan<D> {
    const PLAN: Plan = D::PLAN;
}

impl PlanTag for HasNoPlan {
    const PLAN: Plan = Plan::Dynamic;
}

/// Found first where it applies.
pub trait IsLeaf<D> {
    /// Gives the answer's type; never called.
    fn tag(&self) -> HasPlan<D>;
}

impl<D: Described> IsLeaf<D> for Probe<D> {
    fn tag(&self) -> HasPlan<D> {
        broken()
    }
}

/// Found where [`IsLeaf`] does not apply: it wants one more reference.
pub trait IsNoLeaf {
    /// Gives the answer's type; never called.
    fn tag(&self) -> HasNoPlan;
}

impl<D> IsNoLeaf for &Probe<D> {
    fn tag(&self) -> HasNoPlan {
        broken()
    }
}

/// An argument of a call that is never made.
pub fn any<T>() -> T {
    broken()
}

/// The plan that a probe's answer stands for.
pub const fn plan_of<T: PlanTag>(probe: fn() -> T) -> Plan {
    let _ = probe;
    T::PLAN
}

/// Stands for a step or saga whose signature was refused, so that its callers are told nothing.
#[derive(Debug)]
pub struct Broken<Ret>(PhantomData<fn() -> Ret>);

/// In the place of what was refused; such a program does not compile, so it is never called.
pub fn broken<T>() -> T {
    unreachable!("this code was refused when it was compiled")
}

impl<Ret: Send + 'static> StepSig for Broken<Ret> {
    type Args<'a> = ();
    type Ret = Ret;
    type Ok = Never;
    type Err = Never;

    const META: &'static StepMeta = &StepMeta {
        name: "",
        site: Site::new("", 0),
        effect: Effect::Unspecified,
        pivot: false,
        retry: RetryPolicy::NONE,
        timeout: None,
        undo: None,
    };

    fn split(_: Ret) -> Result<Never, Never> {
        broken()
    }

    fn join(_: Result<Never, Never>) -> Ret {
        broken()
    }
}

impl<App, Ret: Send + 'static> Step<App> for Broken<Ret> {
    fn run<'i, 'a: 'i>(_: &'i mut Io<App>, (): ()) -> BoxFuture<'i, Ret> {
        broken()
    }
}

impl<Ret: Send + 'static> SagaSig for Broken<Ret> {
    type Args<'a> = ();
    type Owned = ();
    type Ret = Ret;
    type Ok = Never;
    type Err = Never;

    const NAME: &'static str = "";
    const VERSION: u32 = 0;

    fn meta() -> &'static SagaMeta {
        broken()
    }

    fn split(_: Ret) -> Result<Never, Never> {
        broken()
    }

    fn join(_: Result<Never, Never>) -> Ret {
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
