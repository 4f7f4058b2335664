//! What a replay tells: how far it has come, or where the code does not fit.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::codec::Payload;
use crate::engine::{Error, MissingStep, MissingWorkflow};
use crate::id::{Position, RunId};
use crate::record::{Cause, FactKey};
use crate::run::Divergence;
use crate::step::Site;

/// A recorded run whose body was replayed: everything that it awaited is as it was recorded.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Replayed {
    /// The run.
    pub id: RunId,
    /// Its workflow's name.
    pub workflow: String,
    /// Its workflow's version.
    pub version: u32,
    /// Where its body has come to.
    pub end: ReplayEnd,
    /// How many of its turns, or of its machine's states, were replayed: those whose records are there. 1 for a run that
    /// has no others.
    pub visits: u32,
    /// How many bodies of steps were run.
    pub steps: u64,
    /// How many facts those were given.
    pub facts: u64,
    /// Bodies of steps that were not run to their ends: the step's recorded end is an error, and its body came to a fact
    /// of which nothing is recorded. That is where it had failed, as what fails binds nothing.
    pub unfinished: Vec<MissingFact>,
}

/// Where the body of a replayed run has come to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReplayEnd {
    /// To its end: the run completed.
    Completed {
        /// Its output.
        output: Payload,
    },
    /// To where the run failed, was cancelled, or got stuck. What was undone then is not replayed.
    Failed {
        /// Why.
        cause: Cause,
    },
    /// To where nothing more is recorded: the run was under way when its records were taken.
    Waiting {
        /// What it awaits; nothing if the body has come to its end, and that is not recorded yet.
        on: Vec<Awaited>,
    },
}

/// Something that a body awaits and whose end is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Awaited {
    /// Where in the run.
    pub at: Position,
    /// What.
    pub what: String,
    /// The place in the code, if an await of the user's own is there.
    pub site: Option<Site>,
    /// Its beginning is recorded.
    pub begun: bool,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.what, self.at)?;
        self.site.map_or(Ok(()), |site| write!(f, ", {site}"))
    }
}

/// A fact that a step's body asks for and of which nothing is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingFact {
    /// The fact's key within the step.
    pub fact: FactKey,
    /// The step's name.
    pub step: String,
    /// Where in the run the step is.
    pub at: Position,
    /// What is asked for, without secrets; the beginning of it, if it is long.
    pub asked: String,
}

impl fmt::Display for MissingFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MissingFact { fact, step, at, asked } = self;
        write!(f, "fact `{fact}` of step `{step}` at {at}")?;
        // A closure is not asked for anything.
        if asked == "null" { Ok(()) } else { write!(f, ", which asks for {asked}") }
    }
}

/// Why a recorded run could not be replayed. Nothing was recorded, and no transport called.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// What is to be replayed cannot be read, or the builder's workflows do not go together.
    #[error(transparent)]
    Engine(#[from] Error),
    /// The file cannot be read.
    #[error("`{}` cannot be read: {source}", file.display())]
    NoFile {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// The run's workflow, or one that it cannot go on without, was not given.
    #[error("run `{id}` needs `{workflow}` version {version}, which is not registered: add it to the builder")]
    UnknownWorkflow {
        /// The run.
        id: RunId,
        /// The workflow's name.
        workflow: String,
        /// The workflow's version.
        version: u32,
    },
    /// The code does something else than what is recorded.
    #[error("run `{id}` diverges {divergence}")]
    Diverged {
        /// The run.
        id: RunId,
        /// Where, what is recorded, and what the code does.
        divergence: Box<Divergence>,
    },
    /// A step's body asks for a fact of which nothing is recorded, although the step has succeeded.
    #[error("run `{id}` has not recorded {missing}: the step has succeeded without it, or its call had failed then")]
    MissingFact {
        /// The run.
        id: RunId,
        /// The fact.
        missing: Box<MissingFact>,
    },
    /// A body gives something else than what is recorded.
    #[error("run `{id}`: {of} gave {expected}, and gives {found} now")]
    OtherOutput {
        /// The run.
        id: RunId,
        /// Whose body: the run, or a saga or step in it, and where that is.
        of: String,
        /// What is recorded.
        expected: String,
        /// What it gives.
        found: String,
    },
    /// Of a run that has ended only the start and the end are recorded.
    #[error("nothing but the start and the end of run `{id}` is recorded, as with `History::Outcome`")]
    NoRecords {
        /// The run.
        id: RunId,
    },
    /// The records do not add up.
    #[error("the records do not add up: {reason}")]
    Records {
        /// Why not.
        reason: String,
    },
}

/// What [`Builder::verify_replay`](crate::Builder::verify_replay) has found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReplayReport {
    /// How many runs in flight have bodies that would go on with the present code.
    pub fit: u64,
    /// Of those, the runs in the middle of a step that has bound facts. Bodies of steps are not run: whether this one still
    /// asks for the same is told by a replay of the run with [`step`](crate::ReplayRequest::step), or when it goes on.
    pub in_step: Vec<RunId>,
    /// Runs that would diverge, in the order of their starts.
    pub diverging: Vec<DivergingRun>,
    /// Workflows that runs in flight need and that are not registered.
    pub missing: Vec<MissingWorkflow>,
    /// Steps that a rollback would have to undo and that no registered workflow reaches.
    pub missing_steps: Vec<MissingStep>,
    /// Runs with a recorded value that cannot be read, each with the reason.
    pub unreadable: Vec<(RunId, String)>,
    /// How many runs in flight have no body to be replayed, as they are being undone, or will be since they were cancelled.
    pub rolling_back: u64,
}

impl ReplayReport {
    /// Whether the body of every run in flight goes on with the present code. Bodies of steps are not run: see
    /// [`in_step`](Self::in_step).
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.diverging.is_empty()
            && self.missing.is_empty()
            && self.missing_steps.is_empty()
            && self.unreadable.is_empty()
    }
}

/// A run in flight that would diverge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DivergingRun {
    /// The run.
    pub id: RunId,
    /// Its workflow's name.
    pub workflow: String,
    /// Its workflow's version.
    pub version: u32,
    /// Where, what is recorded, and what the code does.
    pub divergence: Divergence,
}

impl fmt::Display for DivergingRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DivergingRun { id, workflow, version, divergence } = self;
        write!(f, "run `{id}` of `{workflow}` version {version} diverges {divergence}")
    }
}
