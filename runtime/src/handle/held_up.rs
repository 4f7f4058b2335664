//! Runs that wait for an operator: what is the matter with them, and what can be done.
//!
//! What must always hold: a verb takes the handle, as the run then goes on; only
//! a run of the right status has one.

use std::fmt;

use super::Outcome;
use super::run::{Diverged, Failed, Paused, Poisoned, Run, Running, Stuck, TypedStatus};
use crate::engine::{Error, Failure, Result, Undo};
use crate::id::Position;
use crate::plan::WorkflowSig;
use crate::record::UndoKind;

/// What is the matter with a stuck run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StuckReport<E> {
    /// Everything in one line.
    pub problem: String,
    /// Why the run failed in the first place. The error of a saga inside it, or of a pivot whose end
    /// is unknown, may be of another type: that is a [`Failure::Other`].
    pub failure: Failure<E>,
    /// What failed after the pivot, if that is why the run is stuck and nothing has happened since: what
    /// [`retry`](Run::retry) does again, and [`resolve`](Run::resolve) takes as settled.
    pub failed_step: Option<Position>,
    /// The undos that were tried and have failed.
    pub failed_undos: Vec<FailedUndo>,
    /// What is done, could be undone and is not, oldest first: with a pivot behind it nothing is undone.
    pub left: Vec<LeftUndo>,
}

/// An undo that has failed for the last time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedUndo {
    /// The step that was to be undone; of a linked child, the child's id.
    pub step: String,
    /// Which of its undos.
    pub kind: UndoKind,
    /// Where that step is: what [`resolve`](Run::resolve) wants.
    pub at: Position,
    /// Why it could not be undone.
    pub error: String,
}

impl fmt::Display for FailedUndo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "undo of `{}` at {}: {}", self.step, self.at, self.error)
    }
}

/// A step that could be undone and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftUndo {
    /// The step; of a linked child, the child's id.
    pub step: String,
    /// Which of its undos would be called.
    pub kind: UndoKind,
    /// Where it is.
    pub at: Position,
}

impl<E> StuckReport<E> {
    pub(super) fn new(problem: String, failure: Failure<E>, failed_step: Option<Position>, undos: Vec<Undo>) -> Self {
        let (mut failed_undos, mut left) = (Vec::new(), Vec::new());
        for Undo { step, at, kind, error } in undos {
            match error {
                Some(error) => failed_undos.push(FailedUndo { step, kind, at, error }),
                None => left.push(LeftUndo { step, kind, at }),
            }
        }
        StuckReport { problem, failure, failed_step, failed_undos, left }
    }
}

impl<W: WorkflowSig> Run<W, Paused> {
    /// Why the run was paused.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.data()
    }

    /// Has the run go on where it stopped.
    ///
    /// # Errors
    /// As [`Engine::resume`](crate::Engine::resume).
    ///
    /// # Cancel safety
    /// Dropping the future does not take the wish back.
    pub async fn resume(self) -> Result<Run<W, Running>> {
        self.core()?.resume(self.id().as_str()).await?;
        Ok(self.goes_on())
    }
}

impl<W: WorkflowSig> Run<W, Stuck> {
    /// What is the matter.
    #[must_use]
    pub fn report(&self) -> &StuckReport<W::Error> {
        self.data()
    }

    /// Why the run failed in the first place, as [`StuckReport::failure`].
    #[must_use]
    pub fn failure(&self) -> &Failure<W::Error> {
        &self.data().failure
    }

    /// What is the matter, in words.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.data().problem
    }

    /// Says that something which the run could not do is settled by hand: a failed undo
    /// ([`FailedUndo::at`]), or what failed after a pivot ([`StuckReport::failed_step`]). The run
    /// stays stuck while an undo is left that has failed.
    ///
    /// # Errors
    /// As [`Engine::resolve`](crate::Engine::resolve).
    ///
    /// # Cancel safety
    /// Dropping the future does not take the word back.
    pub async fn resolve(self, step: &Position, note: impl Into<String>) -> Result<Run<W, Running>> {
        self.core()?.resolve(self.id().as_str(), step, note.into()).await?;
        Ok(self.goes_on())
    }
}

macro_rules! held_up {
    ($($state:ident),*) => {
        $(impl<W: WorkflowSig> Run<W, $state> {
            /// Has the run try again, as [`Engine::retry`](crate::Engine::retry).
            ///
            /// # Errors
            /// As [`Engine::retry`](crate::Engine::retry).
            ///
            /// # Cancel safety
            /// Dropping the future does not take the wish back.
            pub async fn retry(self) -> Result<Run<W, Running>> {
                self.core()?.retry(self.id().as_str()).await?;
                Ok(self.goes_on())
            }

            /// Gives the run up: it has failed, and what it did stays as it is.
            ///
            /// # Errors
            /// As [`Engine::abandon`](crate::Engine::abandon).
            ///
            /// # Cancel safety
            /// Dropping the future does not take the word back.
            pub async fn abandon(self, note: impl Into<String>) -> Result<Run<W, Failed>> {
                given_up(self, note.into()).await
            }
        })*
    };
}

held_up!(Stuck, Diverged, Poisoned);

async fn given_up<W: WorkflowSig, S: TypedStatus>(run: Run<W, S>, note: String) -> Result<Run<W, Failed>> {
    run.core()?.abandon(run.id().as_str(), note).await?;
    match run.goes_on().outcome().await? {
        Outcome::Failed(run) => Ok(run),
        // It was given up, durably, and nothing follows.
        other => Err(Error::Internal { reason: format!("an abandoned run is {}", other.status()) }),
    }
}

macro_rules! problems {
    ($($state:ident),*) => {
        $(impl<W: WorkflowSig> Run<W, $state> {
            /// What is the matter, in words.
            #[must_use]
            pub fn problem(&self) -> &str {
                self.data()
            }
        })*
    };
}

problems!(Diverged, Poisoned);
