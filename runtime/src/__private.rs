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
pub use crate::plan::{Plan, SagaMeta, SagaRef, fingerprint, leaf};
pub use crate::platform::BoxFuture;
pub use crate::run::RetryPolicy;
pub use crate::saga::{Saga, SagaCall, SagaSig};
pub use crate::step::{
    Effect, Fallible, Never, Site, Step, StepCall, StepMeta, StepSig, TimedOut, Undo, UndoError, UndoFn, UndoInput,
    UndoKind, Undoer, undo,
};

/// A value's JSON.
///
/// # Errors
/// When JSON cannot hold it.
pub fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Result<Payload, EncodeError> {
    crate::codec::encode(value)
}

/// The value of a JSON text.
///
/// # Errors
/// When the text is not that of a `T`.
pub fn decode<T: serde::de::DeserializeOwned>(payload: &Payload) -> Result<T, DecodeError> {
    crate::codec::decode(payload)
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
