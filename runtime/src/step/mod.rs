//! One step, as the engine sees it (floor 5).
//!
//! Owns the description of a step ([`StepMeta`]), the traits that `#[step]`
//! implements on a hidden type ([`Signature`], [`StepSig`], [`Step`]), the call that the
//! user's function returns ([`StepCall`]), and its erased form for the engine
//! ([`ErasedStep`]). What must always hold: a call is inert until the engine
//! attempts it, and an attempt returns only values that are already encoded.

mod call;
mod erased;
mod meta;
mod output;
mod sig;
mod signature;
mod undo;

pub use call::{OutsideSaga, StepCall};
pub(crate) use erased::Prepared;
pub use erased::{AttemptEnd, ErasedStep, StepError};
pub use meta::{CancelMode, Effect, RateLimit, Site, StepMeta, Undo};
pub use output::{Fallible, Never, TimedOut};
pub use sig::{Step, StepFn, StepSig};
pub use signature::Signature;
pub(crate) use signature::for_each_arity;
pub use undo::{UndoError, UndoFn, UndoInput, Undoer, undo};

pub use crate::record::UndoKind;
