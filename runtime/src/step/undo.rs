//! How a step's undo is called from what was recorded, without its saga's body.

use std::any::Any;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{ErasedStep, Prepared, Step, StepCall};
use crate::codec::{self, DecodeError, Payload};
use crate::platform::BoxFuture;
use crate::record::UndoKind;

/// What was recorded for an undo.
#[derive(Debug, Clone)]
pub struct UndoInput {
    /// Which undo.
    pub kind: UndoKind,
    /// The step's output; `None` for [`UndoKind::Unknown`].
    pub output: Option<Payload>,
    /// The arguments that the undo expressions name, as a tuple.
    pub args: Option<Payload>,
}

impl UndoInput {
    /// The step's output.
    ///
    /// # Errors
    /// When the record does not decode as `T`.
    pub fn output<T: DeserializeOwned>(&self) -> Result<T, UndoError> {
        Self::decode("output", self.output.as_ref())
    }

    /// The recorded arguments.
    ///
    /// # Errors
    /// When the record does not decode as `T`.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T, UndoError> {
        Self::decode("arguments", self.args.as_ref())
    }

    fn decode<T: DeserializeOwned>(what: &'static str, payload: Option<&Payload>) -> Result<T, UndoError> {
        let payload = payload.ok_or(UndoError::Missing { what })?;
        codec::decode(payload).map_err(|source| UndoError::Decode { what, source })
    }
}

/// An undo that could not be called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UndoError {
    /// A record that the undo needs is not there.
    #[error("the step's recorded {what} is missing")]
    Missing {
        /// What is missing.
        what: &'static str,
    },
    /// A record that the undo needs does not decode.
    #[error("the step's recorded {what} does not decode: {source}")]
    Decode {
        /// What does not decode.
        what: &'static str,
        /// Why.
        source: DecodeError,
    },
    /// The step has no such undo any more.
    #[error("the step has no undo of this kind any more")]
    NoUndo,
    /// The compensating step needs an app that the engine does not have.
    #[error("the compensating step needs an app that this engine does not have")]
    NoApp,
    /// The compensating step was attempted and did not succeed.
    #[error("the compensating step failed")]
    Failed,
}

/// Runs a compensating step; the engine implements it.
pub trait Undoer: Send + Sync {
    /// The engine's app.
    fn app(&self) -> Arc<dyn Any + Send + Sync>;

    /// Records and runs the compensating step, attempts and all.
    fn run<'a>(&'a self, step: &'a mut dyn ErasedStep) -> BoxFuture<'a, Result<(), UndoError>>;
}

/// Decodes what was recorded, makes the compensating call and has it run.
pub type UndoFn = for<'a> fn(UndoInput, &'a dyn Undoer) -> BoxFuture<'a, Result<(), UndoError>>;

/// Has the call of a compensating step run on the engine's app.
///
/// # Errors
/// When the engine has no such app, or the compensating step failed for good.
pub async fn undo<App, S>(undoer: &dyn Undoer, call: StepCall<'_, S>) -> Result<(), UndoError>
where
    S: Step<App>,
    App: Send + Sync + 'static,
{
    let app = crate::io::find_app(undoer.app()).ok_or(UndoError::NoApp)?;
    undoer.run(&mut Prepared::new(call, Arc::new(crate::io::Lent(app)))).await
}
