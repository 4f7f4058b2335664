//! What the types in a signature must be, each told at the type.

use std::fmt::Display;
use std::marker::PhantomData;

use crate::step::TimedOut;

/// Whether a type is a `Result`, whatever it is called: `IsResult::<T>::__FACTUM_YES`.
#[derive(Debug)]
pub struct IsResult<T>(PhantomData<T>);

impl<T, E> IsResult<Result<T, E>> {
    /// It is.
    pub const __FACTUM_YES: bool = true;
}

/// The answer for every other type.
pub trait IsNoResult {
    /// It is not.
    const __FACTUM_YES: bool = false;
}

impl<T> IsNoResult for IsResult<T> {}

/// Refuses a `Result` that its name does not tell.
#[track_caller]
pub const fn assert_no_result(is_result: bool) {
    assert!(!is_result, "this is a `Result` under another name; give the alias a name that ends in `Result`");
}

/// An argument of a step.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a step: it cannot be recorded",
    label = "this type does not implement `Serialize`",
    note = "write `#[derive(Serialize, Deserialize)]` on it (from `serde`)",
    note = "a `Secret` is never recorded: keep it in the engine's app, and expose it where it is used"
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
    note = "write `#[derive(Serialize, Deserialize)]` on it (from `serde`), and take it by value or by plain reference",
    note = "a `Secret` is never recorded: keep it in the engine's app, and expose it where it is used"
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
    note = "write `#[derive(Serialize, Deserialize)]` on it (from `serde`), and take it by value or by plain reference",
    note = "a `Secret` is never recorded: keep it in the engine's app, and expose it where it is used"
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

/// What a saga's `key` gives.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the `key` of a saga: it has no text that runs could be told apart by",
    label = "this does not implement `Display`",
    note = "name a part of an argument that is a text or a number, as in `key = order.customer`, or write `impl Display for {Self}`"
)]
pub trait KeyText {
    /// Its text.
    fn text(&self) -> String;
}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> KeyText for T {
    fn text(&self) -> String {
        self.to_string()
    }
}

/// The text of a saga's `key`.
pub fn key_text<T: KeyText + ?Sized>(key: &T) -> String {
    key.text()
}

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
