//! Sagas (floor 7).
//!
//! Owns the traits that `#[saga]` implements on a hidden type ([`SagaSig`],
//! [`Saga`]), the call that the user's function returns ([`SagaCall`]), its use
//! as an operation inside another saga, and its erased form for the engine.
//! What must always hold: a body gets every value as it was recorded, so that
//! it does the same live and in replay.

mod call;
mod erased;
mod nested;
mod sig;

pub use call::{OutsideEngine, SagaCall};
pub(crate) use erased::SagaWorkflow;

pub use sig::{Saga, SagaFn, SagaSig};
