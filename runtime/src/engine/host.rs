//! The seam between the language and an engine.
//!
//! A body asks a [`Host`] for every durable operation. The embedded engine is
//! one host; nothing here says how or where it keeps its records.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use crate::codec::{BlobError, Payload, Recordable};
use crate::id::{Position, RunId};
use crate::io::Redaction;
use crate::plan::WorkflowMeta;
use crate::platform::BoxFuture;
use crate::record::{ChildEnd, Name};
use crate::step::{ErasedStep, Site};
use crate::time::Timestamp;

/// How a step or a nested saga ended, as recorded: an output or an error, both encoded.
pub(crate) type Recorded = Result<Payload, Payload>;

/// What a saga finds when it enters a scope.
#[derive(Debug)]
pub(crate) enum Entered {
    /// The body is to be run (or replayed).
    Body,
    /// The scope has ended before; the body is not run.
    Ended(Recorded),
}

/// When a timer wakes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wake {
    After(Duration),
    At(Timestamp),
}

/// What a group of branches is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupKind {
    Join,
    All,
    TryAll,
    Race,
}

impl GroupKind {
    /// Whether one branch decides it, and the others lose.
    pub(crate) fn has_losers(self) -> bool {
        matches!(self, GroupKind::TryAll | GroupKind::Race)
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GroupKind::Join => "join",
            GroupKind::All => "all",
            GroupKind::TryAll => "try_all",
            GroupKind::Race => "race",
        })
    }
}

/// A value of the world.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Draw {
    /// The wall clock, which never goes backwards within a run.
    Now,
    /// So many random bytes.
    Bytes { source: &'static str, count: usize },
}

/// A run that another one starts.
#[derive(Debug)]
pub(crate) struct NewChild {
    /// Its id; else one is made of the parent's.
    pub(crate) id: Option<RunId>,
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    pub(crate) input: Payload,
    /// A hash of the arguments.
    pub(crate) args: u64,
    pub(crate) key: Option<String>,
    /// It is cancelled with its parent.
    pub(crate) linked: bool,
}

/// Performs durable operations for one run.
///
/// A future of these methods that never completes is how a body is told to
/// stop: the driver, which knows why, drops the body.
pub(crate) trait Host: Send + Sync {
    /// What errors do not have in them when they are recorded.
    fn redaction(&self) -> &Redaction;

    /// Records and runs a step, attempts and all.
    fn step<'a>(&'a self, at: Position, site: Site, step: &'a mut dyn ErasedStep) -> BoxFuture<'a, Recorded>;

    /// Waits by the wall clock.
    fn sleep(&self, at: Position, site: Site, wake: Wake) -> BoxFuture<'_, ()>;

    /// Takes the next signal of a name; none if there is none within the limit.
    fn signal(
        &self,
        at: Position,
        site: Site,
        name: &'static str,
        limit: Option<Duration>,
    ) -> BoxFuture<'_, Option<Payload>>;

    /// Whether a signal of one of these names waits for a group that no branch has decided.
    fn has_signal(&self, group: &Position, names: &[&str]) -> bool;

    /// Records a value of the world and gives what was recorded.
    fn draw(&self, at: Position, site: Site, draw: Draw) -> BoxFuture<'_, Payload>;

    /// Starts a run of its own and gives its id.
    fn spawn(&self, at: Position, site: Site, child: NewChild) -> BoxFuture<'_, RunId>;

    /// Waits for the end of a run that was started.
    fn child(&self, at: Position, site: Site, child: RunId) -> BoxFuture<'_, ChildEnd>;

    /// Stops the run until somebody resumes it.
    fn pause(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, ()>;

    /// Tells whoever watches how far the run has come.
    fn publish(&self, at: Position, site: Site, value: Payload) -> BoxFuture<'_, ()>;

    /// Ends this turn of the run; the next one begins with other arguments.
    fn again(&self, at: Position, site: Site, saga: &'static WorkflowMeta, input: Payload)
    -> BoxFuture<'_, Infallible>;

    /// Comes to a group of so many branches; gives the branch that has decided it, if one has.
    fn group(&self, at: Position, site: Site, kind: GroupKind, branches: usize) -> BoxFuture<'_, Option<u32>>;

    /// A branch decides its group: the others end.
    fn decide(&self, at: &Position, branch: u32);

    /// Whether everything in a branch that has lost has ended, or has come to where it can be dropped.
    fn has_stopped(&self, branch: &Position) -> bool;

    /// Undoes what the branches that lost have done. They have stopped.
    fn end_losers(&self, at: Position) -> BoxFuture<'_, ()>;

    /// All branches of a group have ended.
    fn leave_group(&self, at: Position, site: Site) -> BoxFuture<'_, ()>;

    /// The order in which so many branches are polled, if it is not that of their indexes.
    fn order(&self, branches: usize) -> Option<Vec<usize>>;

    /// Enters the scope of a saga inside this run; `args` is a hash of its arguments.
    fn enter(&self, at: Position, site: Site, saga: &'static WorkflowMeta, args: u64) -> BoxFuture<'_, Entered>;

    /// Leaves a scope with what its body returned. With an error, everything
    /// the scope has done is undone first.
    fn leave(&self, at: Position, result: Recorded) -> BoxFuture<'_, Recorded>;

    /// Stops the body: what was recorded at `at` is not what the code expects.
    fn diverge(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible>;

    /// Stops the body: what was recorded at `at` is there, but its bytes cannot be had. Nothing is recorded.
    fn unreadable(&self, at: Position, error: BlobError) -> BoxFuture<'_, Infallible>;

    /// Stops the body: a value that the saga made cannot be recorded.
    fn unrecordable(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible>;
}

/// A recorded value as the type that the code expects; anything else is a divergence.
pub(crate) async fn value<T: Recordable>(host: &dyn Host, at: &Position, site: Site, value: &Payload) -> T {
    match T::read(value) {
        Ok(value) => value,
        Err(error) => match error.storage {
            Some(error) => match host.unreadable(at.clone(), error).await {},
            None => match host.diverge(at.clone(), site, error.to_string()).await {},
        },
    }
}

/// A recorded end as the types that the code expects.
pub(crate) async fn end<T, E>(host: &dyn Host, at: &Position, site: Site, recorded: Recorded) -> Result<T, E>
where
    T: Recordable,
    E: Recordable,
{
    match recorded {
        Ok(output) => Ok(value(host, at, site, &output).await),
        Err(error) => Err(value(host, at, site, &error).await),
    }
}
