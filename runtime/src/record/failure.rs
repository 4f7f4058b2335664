//! Why something did not succeed.

use std::fmt;

use crate::codec::Payload;

/// Why an attempt, a step, a compensation or a run did not succeed, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The body returned an error.
    Error {
        /// The error, as JSON.
        error: Payload,
    },
    /// The attempt took longer than the step's `timeout`.
    TimedOut {
        /// The error that the timeout became, as JSON.
        error: Payload,
    },
    /// A body panicked.
    Panicked {
        /// What it said.
        message: String,
    },
    /// A body gave a value that cannot be recorded.
    Unrecordable {
        /// Why not.
        message: String,
    },
    /// The engine was shut down, and the attempt dropped.
    Aborted,
    /// Somebody asked for the run to be cancelled.
    Cancelled,
    /// The undo could not be called.
    NoUndo {
        /// Why not.
        message: String,
    },
}

impl Cause {
    /// The error as JSON, where a body returned one or a timeout became one.
    pub(crate) fn error(&self) -> Option<&Payload> {
        match self {
            Cause::Error { error } | Cause::TimedOut { error } => Some(error),
            _ => None,
        }
    }

    pub(super) fn error_mut(&mut self) -> Option<&mut Payload> {
        match self {
            Cause::Error { error } | Cause::TimedOut { error } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Error { error } => write!(f, "error {error:?}"),
            Cause::TimedOut { error } => write!(f, "timed out: {error:?}"),
            Cause::Panicked { message } => write!(f, "panicked: {message}"),
            Cause::Unrecordable { message } => write!(f, "a value cannot be recorded: {message}"),
            Cause::Aborted => f.write_str("aborted by a shutdown"),
            Cause::Cancelled => f.write_str("cancelled"),
            Cause::NoUndo { message } => write!(f, "the undo could not be called: {message}"),
        }
    }
}

/// Which of a step's two undos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UndoKind {
    /// The step succeeded: `compensate`.
    Compensate,
    /// Nobody knows whether it did: `unknown`.
    Unknown,
}
