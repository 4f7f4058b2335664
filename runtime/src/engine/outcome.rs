//! How a run ended, with its types.

use std::fmt;

use crate::codec::{BlobError, DecodeError, Recordable};
use crate::record::{Cause, ChildEnd};

/// Why a run failed. Everything it did is undone, unless an operator has settled it otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure<E> {
    /// The saga returned an error.
    Error(E),
    /// A body panicked: the saga's, or a step's on its last attempt.
    Panicked {
        /// What it said.
        message: String,
    },
    /// A body gave a value that JSON cannot hold.
    Unrecordable {
        /// Which, and why not.
        message: String,
    },
    /// Its deadline passed.
    DeadlineExceeded,
    /// What its body asked for cannot be done.
    Refused {
        /// Why not.
        message: String,
    },
    /// An operator has given it up: what it did may not be undone.
    Abandoned {
        /// What the operator said.
        note: String,
    },
    /// Anything else, in words.
    Other {
        /// Why.
        reason: String,
    },
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Error(error) => error.fmt(f),
            Failure::Panicked { message } => write!(f, "panicked: {message}"),
            Failure::Unrecordable { message } => write!(f, "a value cannot be recorded: {message}"),
            Failure::DeadlineExceeded => f.write_str("the run's deadline has passed"),
            Failure::Refused { message } => write!(f, "refused: {message}"),
            Failure::Abandoned { note } => write!(f, "abandoned: {note}"),
            Failure::Other { reason } => f.write_str(reason),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Failure<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its text is this one's own.
            Failure::Error(error) => error.source(),
            _ => None,
        }
    }
}

/// Why a child has no output.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildError<E> {
    /// The child failed, and what it did is undone.
    Failed(Failure<E>),
    /// The child was cancelled, and what it did is undone.
    Cancelled,
    /// Nobody here knows the child any more: it ended, and was forgotten by the retention of ended runs before anybody
    /// asked, or its parent was imported without it.
    Forgotten,
}

impl<E: fmt::Display> fmt::Display for ChildError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildError::Failed(failure) => failure.fmt(f),
            ChildError::Cancelled => f.write_str("the child was cancelled"),
            ChildError::Forgotten => f.write_str("the child is not known here (any more): it was forgotten after its end, or not imported with its parent"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for ChildError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ChildError::Failed(failure) => failure.source(),
            _ => None,
        }
    }
}

/// A cause as the saga's error type.
///
/// # Errors
/// When the recorded error is not of that type.
pub(crate) fn failure_of<E: Recordable>(cause: &Cause) -> Result<Failure<E>, DecodeError> {
    Ok(match cause {
        Cause::Error { error } | Cause::TimedOut { error } => Failure::Error(E::read(error)?),
        Cause::Panicked { message } => Failure::Panicked { message: message.clone() },
        Cause::Unrecordable { message } => Failure::Unrecordable { message: message.clone() },
        Cause::DeadlineExceeded => Failure::DeadlineExceeded,
        Cause::Refused { message } => Failure::Refused { message: message.clone() },
        Cause::Abandoned { note } => Failure::Abandoned { note: note.clone() },
        Cause::Aborted | Cause::Cancelled | Cause::Lost | Cause::NoUndo { .. } => {
            Failure::Other { reason: cause.to_string() }
        }
    })
}

/// How a child ended, as the types that the code expects.
///
/// # Errors
/// When the record does not decode; with why its bytes cannot be had, if that is it.
pub(crate) fn child_end<T, E>(end: &ChildEnd) -> Result<Result<T, ChildError<E>>, Option<BlobError>>
where
    T: Recordable,
    E: Recordable,
{
    let why = |error: DecodeError| error.storage;
    Ok(match end {
        ChildEnd::Completed { output } => Ok(T::read(output).map_err(why)?),
        ChildEnd::Failed { cause } => Err(ChildError::Failed(failure_of(cause).map_err(why)?)),
        ChildEnd::Cancelled => Err(ChildError::Cancelled),
        ChildEnd::Forgotten => Err(ChildError::Forgotten),
    })
}
