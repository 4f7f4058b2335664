//! Why a run did not succeed.

use std::fmt;

use crate::engine::{Error, Failure};

/// Why [`Engine::run`](crate::Engine::run) has no output.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RunError<E> {
    /// The run failed, and everything it did is undone.
    Failed(Failure<E>),
    /// The run was cancelled, and everything it did is undone.
    Cancelled,
    /// The run was paused.
    Paused,
    /// Something failed after the run's pivot, or could not be undone.
    Stuck {
        /// What, in words.
        problem: String,
    },
    /// The code no longer matches what the run has recorded.
    Diverged {
        /// Where and how, in words.
        problem: String,
    },
    /// The run took the process down too often.
    Poisoned {
        /// How often, in words.
        problem: String,
    },
    /// The engine failed or was shut down; the run goes on with the next one.
    Engine(Error),
}

impl<E: fmt::Display> fmt::Display for RunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Failed(failure) => failure.fmt(f),
            RunError::Cancelled => f.write_str("the run was cancelled"),
            RunError::Paused => f.write_str("the run was paused"),
            RunError::Stuck { problem } => write!(f, "the run is stuck: {problem}"),
            RunError::Diverged { problem } => write!(f, "the run has diverged: {problem}"),
            RunError::Poisoned { problem } => write!(f, "the run is poisoned: {problem}"),
            RunError::Engine(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for RunError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RunError::Failed(failure) => failure.source(),
            RunError::Engine(error) => error.source(),
            _ => None,
        }
    }
}
