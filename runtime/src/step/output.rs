//! What a step's declared return type is made of.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A step's attempt took longer than its `timeout`.
///
/// Nobody knows whether the attempt did what it was meant to do. A step with a
/// `timeout` has an error type that is `From<TimedOut>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("timed out after {after:?}")]
#[non_exhaustive]
pub struct TimedOut {
    /// The step's `timeout`.
    pub after: Duration,
}

impl TimedOut {
    pub(crate) fn new(after: Duration) -> Self {
        TimedOut { after }
    }
}

/// For steps whose error is a text.
impl From<TimedOut> for String {
    fn from(timed_out: TimedOut) -> String {
        timed_out.to_string()
    }
}

/// The error of a step or saga that declares no `Result`: there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Never {}

/// A `Result`, under whatever alias it was written.
///
/// Implemented for [`Result`] alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`",
    label = "this type's name ends in `Result`, but it is no `Result`",
    note = "return a `Result<T, E>`, or give this type another name where it is returned: `type Found = {Self};`"
)]
pub trait Fallible {
    /// The type of a success.
    type Ok;
    /// The type of a failure.
    type Err;
    #[doc(hidden)]
    fn split(self) -> Result<Self::Ok, Self::Err>;
    #[doc(hidden)]
    fn is_err(&self) -> bool;
    #[doc(hidden)]
    fn join(result: Result<Self::Ok, Self::Err>) -> Self;
}

impl<T, E> Fallible for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn split(self) -> Result<T, E> {
        self
    }

    fn is_err(&self) -> bool {
        Result::is_err(self)
    }

    fn join(result: Result<T, E>) -> Self {
        result
    }
}
