//! Sagas (floor 7).
//!
//! Owns the traits that `#[saga]` implements on a hidden type ([`SagaSig`],
//! [`Saga`]), the call that the user's function returns ([`SagaCall`]), its use
//! as an operation inside another saga, and its erased form for the engine.
//! What must always hold: a body gets every value as it was recorded, so that
//! it does the same live and in replay.

mod again;
mod call;
mod diagram;
mod erased;
mod nested;
mod sig;
mod spawn;
mod start;

pub use again::{Again, again};
pub use call::{OutsideEngine, SagaCall};
pub use diagram::diagram;
pub(crate) use erased::SagaWorkflow;

pub use sig::{Saga, SagaFn, SagaSig};
pub use spawn::{Child, Spawn, spawn};
pub use start::{StartArgs, Startable};

use crate::codec::{EncodeError, Payload};

/// A call's arguments as they will be read back.
///
/// # Errors
/// When JSON cannot hold one of them.
pub(crate) fn input<S: SagaSig>(args: &S::Args<'_>) -> Result<Payload, EncodeError> {
    let input = S::encode_args(args)?;
    S::decode_args(&input).map_err(EncodeError::unreadable)?;
    Ok(input)
}
