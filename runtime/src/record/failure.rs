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
    /// What the body asked for cannot be done.
    Refused {
        /// Why not.
        message: String,
    },
    /// The undo could not be called.
    NoUndo {
        /// Why not.
        message: String,
    },
    /// Another branch has won.
    Lost,
    /// The run's deadline has passed.
    DeadlineExceeded,
    /// Somebody gave the run up.
    Abandoned {
        /// What they said.
        note: String,
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
            Cause::Refused { message } => write!(f, "refused: {message}"),
            Cause::NoUndo { message } => write!(f, "the undo could not be called: {message}"),
            Cause::Lost => f.write_str("another branch has won"),
            Cause::DeadlineExceeded => f.write_str("its deadline has passed"),
            Cause::Abandoned { note } => write!(f, "abandoned: {note}"),
        }
    }
}

/// How a run ended that another one started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildEnd {
    /// It succeeded.
    #[non_exhaustive]
    Completed {
        /// Its output.
        output: Payload,
    },
    /// It failed, and everything it did is undone.
    #[non_exhaustive]
    Failed {
        /// Why.
        cause: Cause,
    },
    /// It was cancelled, and everything it did is undone.
    Cancelled,
    /// It had ended, and nobody knows how any more.
    Forgotten,
}

impl fmt::Display for ChildEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildEnd::Completed { output } => write!(f, "completed: {output:?}"),
            ChildEnd::Failed { cause } => write!(f, "failed: {cause}"),
            ChildEnd::Cancelled => f.write_str("cancelled"),
            ChildEnd::Forgotten => f.write_str("forgotten"),
        }
    }
}

/// What is undone, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UndoKind {
    /// The step succeeded: `compensate`.
    Compensate,
    /// Nobody knows whether it did: `unknown`.
    Unknown,
    /// A linked child was started: it is cancelled.
    Child,
}

impl UndoKind {
    /// The kind as the number on disk.
    pub(crate) fn number(self) -> u8 {
        match self {
            UndoKind::Compensate => 0,
            UndoKind::Unknown => 1,
            UndoKind::Child => 2,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<UndoKind> {
        match number {
            0 => Some(UndoKind::Compensate),
            1 => Some(UndoKind::Unknown),
            2 => Some(UndoKind::Child),
            _ => None,
        }
    }
}
