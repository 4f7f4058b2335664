//! What can go wrong between an engine and its caller.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::codec::{DecodeError, EncodeError};
use crate::id::{Position, RunId};
use crate::step::Site;
use crate::storage::StorageError;

/// A workflow that runs in flight need and the engine was not given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingWorkflow {
    /// The workflow's name.
    pub name: String,
    /// The workflow's version.
    pub version: u32,
    /// The runs in flight that need it.
    pub runs: Vec<RunId>,
}

impl fmt::Display for MissingWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        write!(f, "`{}` version {} (", self.name, self.version)?;
        for (i, run) in self.runs.iter().take(SHOWN).enumerate() {
            write!(f, "{}{run}", if i == 0 { "" } else { ", " })?;
        }
        match self.runs.len().checked_sub(SHOWN) {
            Some(more) if more > 0 => write!(f, " and {more} more)"),
            _ => f.write_str(")"),
        }
    }
}

/// A step that a rollback will have to undo and that no registered workflow reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingStep {
    /// The step's name.
    pub step: String,
    /// A run that will need its undo.
    pub run: RunId,
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join("; ")
}

fn steps(missing: &[MissingStep]) -> String {
    missing.iter().map(|m| format!("`{}` (run {})", m.step, m.run)).collect::<Vec<_>>().join("; ")
}

fn signals(names: &[String]) -> String {
    match names {
        [] => "no signal at all".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

/// What an engine's methods can fail with.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data directory cannot be owned, read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),

    /// There is no tokio runtime here.
    #[error("an engine runs on a tokio runtime, and there is none here: call this in `#[tokio::main]`")]
    NoRuntime,

    /// Chance could not be had from the operating system.
    #[error("the operating system gave no random bytes: {reason}")]
    NoEntropy {
        /// Why.
        reason: String,
    },

    /// Runs in flight need workflows that this engine was not given.
    #[error(
        "runs in flight need workflows that are not registered: {}; \
         register them, or leave those runs alone with `Builder::keep_unknown_workflows`",
        list(missing)
    )]
    UnknownWorkflows {
        /// The workflows, each with its runs.
        missing: Vec<MissingWorkflow>,
    },

    /// A rollback will need the undo of steps that no registered workflow reaches.
    #[error("runs in flight have done steps whose undo no registered workflow reaches: {}", steps(missing))]
    UnknownSteps {
        /// The steps, each with a run.
        missing: Vec<MissingStep>,
    },

    /// Two workflows or two steps have one name.
    #[error("two {what} are called `{name}`, at {first} and at {second}: give one of them `name = \"..\"`")]
    DuplicateName {
        /// "workflows" or "steps".
        what: &'static str,
        /// The name.
        name: String,
        /// Where the one is written.
        first: Site,
        /// Where the other is written.
        second: Site,
    },

    /// Two transports have one namespace, by which their facts are known.
    #[error("two transports are called `{namespace}`: register one of them, or give it another `NAMESPACE`")]
    DuplicateTransport {
        /// The namespace.
        namespace: &'static str,
    },

    /// A saga or a machine, and the sagas inside it, do not go together.
    #[error("the workflow `{saga}` at {site}, with the sagas inside it, cannot be run: {problem}")]
    Plan {
        /// The saga or the machine.
        saga: &'static str,
        /// Where it is written.
        site: Site,
        /// What is wrong.
        problem: String,
    },

    /// The workflow of a call was not given to the engine.
    #[error(
        "`{workflow}` version {version} is not registered: add `.saga({workflow})`, or `.fsm::<{workflow}>()` for a machine, to the engine's builder"
    )]
    NotRegistered {
        /// The workflow's name.
        workflow: String,
        /// The workflow's version.
        version: u32,
    },

    /// A sender's id of a signal is too long.
    #[error("a sender's id has at most {limit} bytes, this one has {found}")]
    InvalidSenderId {
        /// The bytes it has.
        found: usize,
        /// The most bytes it may have.
        limit: usize,
    },

    /// A machine is observed that the engine was not given.
    #[error(
        "a hook looks at states of a machine that is not registered: add `.fsm::<..>()` for it to the engine's builder"
    )]
    NotObserved,

    /// The state that a run is in rejects the signal.
    #[error("run `{id}` is in state `{state}`, which rejects signal `{signal}`; it accepts {}", signals(accepts))]
    Rejected {
        /// The run.
        id: RunId,
        /// The state.
        state: String,
        /// The signal's name.
        signal: String,
        /// The signals that the state accepts.
        accepts: Vec<String>,
    },

    /// A run's id is empty or too long.
    #[error("a run's id has 1 to {limit} bytes, this one has {found}")]
    InvalidId {
        /// The bytes it has.
        found: usize,
        /// The most bytes it may have.
        limit: usize,
    },

    /// The expression of a schedule is none, or its moments never come.
    #[error(
        "`{expression}` is no schedule: {reason}; write minute, hour, day of month, month and day of week, as in `0 3 * * *`"
    )]
    NoSchedule {
        /// The expression.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The id belongs to another run.
    #[error("run `{id}` exists with another {differs}")]
    Conflict {
        /// The id.
        id: RunId,
        /// What is different: "workflow", "version", "input", or for an import "origin".
        differs: &'static str,
    },

    /// The run that is to be imported is here already.
    #[error("run `{id}` is here already: it was imported before, or this is where it was exported")]
    AlreadyHere {
        /// The id.
        id: RunId,
    },

    /// What is to be imported is no whole run. Nothing of it was recorded.
    #[error("line {line} of the import: {source}")]
    Import {
        /// The line, from 1.
        line: u64,
        /// What is the matter with it.
        source: super::ImportError,
    },

    /// A run could not be written as an export, or not to its end.
    #[error("run `{id}` cannot be exported: {source}")]
    NotExported {
        /// The run.
        id: RunId,
        /// Why: a blob that cannot be read, or the writer's error.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },

    /// There is no such run.
    #[error("there is no run `{id}`")]
    UnknownRun {
        /// The id.
        id: RunId,
    },

    /// The run ended long ago, and is known by its id alone.
    #[error("run `{id}` has ended and was forgotten by the retention of ended runs; its id is not free again")]
    Forgotten {
        /// The id.
        id: RunId,
    },

    /// The directory is a backup.
    #[error(
        "`{}` is a backup: if the engine that it was taken from will not run on, open it with `Builder::restore`, \
         and its runs go on here",
        dir.display()
    )]
    IsBackup {
        /// The data directory.
        dir: PathBuf,
    },

    /// The run has ended, or cannot go on by itself (stuck, diverged, poisoned).
    #[error("run `{id}` is {status}")]
    NotActive {
        /// The id.
        id: RunId,
        /// Its status.
        status: super::Status,
    },

    /// The run is not one that an operator must help: not stuck, diverged or poisoned.
    #[error("run `{id}` is {status}: only a stuck, diverged or poisoned run is retried, resolved or abandoned")]
    NotHeldUp {
        /// The id.
        id: RunId,
        /// Its status.
        status: super::Status,
    },

    /// Nothing at this place of the run is to be settled.
    #[error(
        "run `{id}` has nothing at {step} that is to be resolved: no undo that has failed, and no failed step after a pivot"
    )]
    NothingToResolve {
        /// The id.
        id: RunId,
        /// The step's position.
        step: Position,
    },

    /// The run has attempted its pivot: it can no longer be cancelled.
    #[error("run `{id}` has attempted its pivot and can no longer be cancelled")]
    PastPivot {
        /// The id.
        id: RunId,
    },

    /// The run never waits for such a signal, as its workflow's plan shows.
    #[error("run `{id}` of `{workflow}` never waits for signal `{signal}`: it waits for {}", signals(accepts))]
    NotAccepted {
        /// The id.
        id: RunId,
        /// Its workflow's name.
        workflow: String,
        /// The signal's name.
        signal: String,
        /// The names of the signals that it waits for.
        accepts: Vec<String>,
    },

    /// Too many signals wait for the run.
    #[error("too many signals wait for run `{id}` already: at most {limit}, and 16 MiB of them, do")]
    InboxFull {
        /// The id.
        id: RunId,
        /// The most signals that may wait, however small they are.
        limit: usize,
    },

    /// A value cannot be recorded.
    #[error("the {what} cannot be recorded: {source}")]
    Unrecordable {
        /// Which value.
        what: &'static str,
        /// Why not.
        source: EncodeError,
    },

    /// A recorded value is not what the code expects.
    #[error("the {what} of run `{id}` does not decode: {source}")]
    Undecodable {
        /// Which value.
        what: &'static str,
        /// The run.
        id: RunId,
        /// Why not.
        source: DecodeError,
    },

    /// A recorded value is in the arena and cannot be read. The run is as it was; it goes on with an engine that can.
    #[error("run `{id}` cannot go on in this process: {reason}")]
    Unreadable {
        /// The run.
        id: RunId,
        /// Where, and what is the matter.
        reason: String,
    },

    /// A fault of the engine itself. Nothing was recorded.
    #[error("a fault of the engine: {reason}")]
    Internal {
        /// What should not have happened.
        reason: String,
    },

    /// A body does not come to an await, nor to a point at which it can be dropped.
    #[error("a body on {} does not come to an await: the directory is held until it does", dir.display())]
    StillRunning {
        /// The data directory.
        dir: PathBuf,
    },

    /// The engine was shut down.
    #[error("the engine on {} was shut down", dir.display())]
    Stopped {
        /// The data directory.
        dir: PathBuf,
    },
}
