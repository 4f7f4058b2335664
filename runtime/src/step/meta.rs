//! What is known of a step before it runs.

use std::any::TypeId;
use std::fmt;
use std::time::Duration;

use super::UndoFn;
use crate::run::RetryPolicy;

/// A place in the user's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Site {
    /// The file, as the compiler names it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
}

impl Site {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(file: &'static str, line: u32) -> Site {
        Site { file, line }
    }

    /// The place of the caller.
    #[track_caller]
    pub(crate) const fn caller() -> Site {
        let at = std::panic::Location::caller();
        Site { file: at.file(), line: at.line() }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What running a step's body once more would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing is said: it acts on the world, and acting twice may be wrong.
    Unspecified,
    /// It touches nothing outside: it may run before what came before it is on disk.
    Pure,
    /// It acts on the world, and acting twice is the same as acting once.
    Idempotent,
}

/// What becomes of a step's attempt when its run is cancelled, or loses a race.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CancelMode {
    /// The attempt runs to its end.
    #[default]
    Finish,
    /// The attempt is dropped at its next wait, and its end is unknown.
    Abort,
}

/// How often a step may be attempted in this process, by all runs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// So many attempts, 1 or more,
    pub limit: u32,
    /// in so long a time.
    pub per: Duration,
}

/// How a step is undone.
#[derive(Clone, Copy)]
pub struct Undo {
    /// An attempt that succeeded is undone.
    pub done: bool,
    /// A step that ended without an output after an attempt with an unknown end is undone.
    pub unknown: bool,
    /// Calls the compensating step.
    pub run: UndoFn,
}

impl fmt::Debug for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Undo").field("done", &self.done).field("unknown", &self.unknown).finish_non_exhaustive()
    }
}

/// A step's name, policies and undo: all that its attribute says.
#[derive(Debug)]
pub struct StepMeta {
    /// The name on disk.
    pub name: &'static str,
    /// Where the step is written.
    pub site: Site,
    /// What no two steps have in common, whatever they are called and wherever they are written.
    pub identity: fn() -> TypeId,
    /// What running it once more would do.
    pub effect: Effect,
    /// Nothing before it can be undone once it is done.
    pub pivot: bool,
    /// How often it is tried, and how long between.
    pub retry: RetryPolicy,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// What becomes of an attempt when its run is cancelled.
    pub cancel: CancelMode,
    /// How often it may be attempted in this process.
    pub rate: Option<RateLimit>,
    /// How it is undone, if it can be.
    pub undo: Option<Undo>,
}
