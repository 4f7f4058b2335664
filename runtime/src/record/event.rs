//! What a record says.

use std::borrow::Cow;

use super::{Carried, Cause, ChildEnd, FactKey, Kind, Reason, RequestDigest, UndoKind};
use crate::codec::{ArtifactId, BlobAt, Payload};
use crate::id::{Position, RunId};
use crate::time::Timestamp;

/// A name that code knows at compile time, or that was read from disk.
pub(crate) type Name = Cow<'static, str>;

/// One durable event of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The run exists.
    #[non_exhaustive]
    RunStarted {
        /// The id that its starter chose.
        id: RunId,
        /// The workflow's name.
        workflow: Name,
        /// The workflow's version.
        version: u32,
        /// The fingerprint of the workflow's plan.
        fingerprint: u64,
        /// The UUID of the data directory it was started in.
        origin: [u8; 16],
        /// The number it was started under.
        origin_run: u64,
        /// The arguments, as one JSON array.
        input: Payload,
    },
    /// A step's body is about to run.
    #[non_exhaustive]
    StepAttempted {
        /// Where.
        at: Position,
        /// The step's name.
        step: Name,
        /// Which attempt, from 1.
        attempt: u32,
        /// A hash of the arguments.
        args: u64,
        /// Nothing before the step can be undone once it is done.
        pivot: bool,
        /// A success is undone in a rollback.
        undo_done: bool,
        /// An unknown end is undone in a rollback.
        undo_unknown: bool,
        /// The arguments that the undo needs, with the first attempt.
        undo_args: Option<Payload>,
    },
    /// An attempt did not succeed, and another follows.
    #[non_exhaustive]
    AttemptFailed {
        /// Where.
        at: Position,
        /// Why.
        cause: Cause,
        /// Nobody knows what the attempt did.
        unknown: bool,
        /// When the next attempt begins; none if at once, in the next process.
        retry_at: Option<Timestamp>,
    },
    /// A step succeeded.
    #[non_exhaustive]
    StepDone {
        /// Where.
        at: Position,
        /// Its output.
        output: Payload,
    },
    /// A step's last attempt did not succeed.
    #[non_exhaustive]
    StepFailed {
        /// Where.
        at: Position,
        /// Why.
        cause: Cause,
        /// Nobody knows what the last attempt did.
        unknown: bool,
    },
    /// A saga inside the run has begun.
    #[non_exhaustive]
    ScopeEntered {
        /// Where.
        at: Position,
        /// The saga's name.
        saga: Name,
        /// The saga's version.
        version: u32,
        /// A hash of the arguments.
        args: u64,
    },
    /// A saga inside the run has ended; with an error, everything in it is undone.
    #[non_exhaustive]
    ScopeLeft {
        /// Where.
        at: Position,
        /// What it returned.
        result: Result<Payload, Payload>,
    },
    /// A step, or the undo of one, got a value of the world: every attempt of it gets this one.
    #[non_exhaustive]
    FactBound {
        /// The step, or its undo.
        at: Position,
        /// The fact's key within the step.
        fact: FactKey,
        /// SHA-256 of the canonical form of what was asked, without secrets.
        request: RequestDigest,
        /// Which of the facts of that name with this request, from 0, in the order in which they were asked for.
        nth: u32,
        /// No other fact was asked for while it was made, but for those within it.
        alone: bool,
        /// What was asked, in its canonical form, without secrets; the beginning of it, if it is long.
        asked: String,
        /// The value.
        value: Payload,
    },
    /// The run waits by the wall clock.
    #[non_exhaustive]
    TimerSet {
        /// Where.
        at: Position,
        /// Until when.
        wake_at: Timestamp,
    },
    /// The wait is over.
    #[non_exhaustive]
    TimerFired {
        /// Where.
        at: Position,
    },
    /// A signal arrived.
    #[non_exhaustive]
    SignalReceived {
        /// The signal's name.
        signal: Name,
        /// What it says.
        payload: Payload,
        /// The sender's id for it, by which a second delivery is recognised.
        sender: Option<String>,
    },
    /// The run took a signal.
    #[non_exhaustive]
    SignalConsumed {
        /// Where.
        at: Position,
        /// Which of the run's signals, counted from 0 in order of arrival.
        number: u64,
    },
    /// It is decided what several branches come to.
    #[non_exhaustive]
    BranchWon {
        /// Where.
        at: Position,
        /// The branch that decided it, from 0: the first of a race, or the one of a `try_all` that failed.
        branch: u32,
    },
    /// The run started another one.
    #[non_exhaustive]
    ChildStarted {
        /// Where.
        at: Position,
        /// The child's id.
        child: RunId,
        /// The child's number.
        number: u64,
        /// The child's workflow.
        workflow: Name,
        /// The workflow's version.
        version: u32,
        /// A hash of the arguments.
        args: u64,
        /// A rollback of this run cancels the child.
        linked: bool,
    },
    /// The run was told how a child ended.
    #[non_exhaustive]
    ChildEnded {
        /// Where.
        at: Position,
        /// The child's id.
        child: RunId,
        /// How it ended.
        end: ChildEnd,
    },
    /// The run begins afresh, as its next visit; what came before it is no longer needed.
    #[non_exhaustive]
    Again {
        /// The new visit, from 1.
        visit: u32,
        /// The arguments of the new visit, as one JSON array.
        input: Payload,
        /// What the run keeps.
        carried: Box<Carried>,
    },
    /// The run is in another state of its machine; what came before is no longer needed.
    #[non_exhaustive]
    StateEntered {
        /// The new visit, from 1.
        visit: u32,
        /// The state's name.
        state: Name,
        /// The whole state, as the JSON of the machine's enum.
        value: Payload,
        /// Why.
        reason: Reason,
        /// The groups that the state is in, each with the moment since when the run is in it.
        groups: Vec<(Name, Timestamp)>,
        /// What the run keeps.
        carried: Box<Carried>,
    },
    /// The run says how far it has come.
    #[non_exhaustive]
    Published {
        /// Where.
        at: Position,
        /// What it says.
        value: Payload,
    },
    /// From here on, the scope only goes backwards.
    #[non_exhaustive]
    RollbackDecided {
        /// The scope: the run's root, or a saga inside it.
        scope: Position,
        /// Why.
        cause: Cause,
    },
    /// A compensating step is about to run.
    #[non_exhaustive]
    CompensationStarted {
        /// The step that is undone.
        of: Position,
        /// Which of its undos.
        kind: UndoKind,
        /// The compensating step's name.
        step: Name,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A step is undone.
    #[non_exhaustive]
    CompensationDone {
        /// The step that was undone.
        of: Position,
    },
    /// An attempt to undo a step did not succeed.
    #[non_exhaustive]
    CompensationFailed {
        /// The step that was to be undone.
        of: Position,
        /// Why.
        cause: Cause,
        /// It was the last one.
        last: bool,
        /// When the next attempt begins; none if at once, in the next process.
        retry_at: Option<Timestamp>,
    },
    /// The run cannot go on by itself.
    #[non_exhaustive]
    Stuck {
        /// What failed after a pivot; none when compensations failed.
        cause: Option<Cause>,
    },
    /// Somebody had a run that could not go on try again.
    #[non_exhaustive]
    Retried {
        /// The step that is tried again; none when it is everything that failed.
        step: Option<Position>,
    },
    /// Somebody did by hand what the undo of a step could not.
    #[non_exhaustive]
    Resolved {
        /// The step that counts as undone.
        step: Position,
        /// What they said.
        note: String,
    },
    /// Somebody gave the run up: what is not undone stays.
    #[non_exhaustive]
    Abandoned {
        /// What they said.
        note: String,
    },
    /// Somebody asked for the run to be cancelled.
    #[non_exhaustive]
    CancelRequested {},
    /// The run does nothing more until it is resumed.
    #[non_exhaustive]
    Paused {
        /// Where the run paused itself; none when somebody else paused it.
        at: Option<Position>,
        /// Why.
        reason: String,
    },
    /// A paused run goes on.
    #[non_exhaustive]
    Resumed {},
    /// A process ended without a shutdown while an attempt of the run was in the air.
    #[non_exhaustive]
    Recovered {},
    /// The run has taken the process down too often.
    #[non_exhaustive]
    Poisoned {
        /// How often in a row.
        crashes: u32,
    },
    /// The code no longer matches what was recorded.
    #[non_exhaustive]
    Diverged {
        /// Where.
        at: Position,
        /// What the record says.
        expected: String,
        /// What the code does.
        found: String,
        /// The place in the code.
        site: String,
    },
    /// The run succeeded.
    #[non_exhaustive]
    RunCompleted {
        /// Its output.
        output: Payload,
    },
    /// The run failed, and everything it did is undone.
    #[non_exhaustive]
    RunFailed {},
    /// The run was cancelled, and everything it did is undone.
    #[non_exhaustive]
    RunCancelled {},
    /// A step of the run put bytes under the name of their content.
    #[non_exhaustive]
    ArtifactPut {
        /// The name.
        artifact: ArtifactId,
        /// The bytes, which are no JSON.
        bytes: Payload,
    },
    /// The run had ended, and is forgotten but for its id.
    #[non_exhaustive]
    RunDeleted {},
    /// The branches that lost are ended, and what they did is undone.
    #[non_exhaustive]
    LosersEnded {
        /// Where.
        at: Position,
    },
    /// The run got a value that is another one each time: of the clock, or of chance.
    #[non_exhaustive]
    ValueDrawn {
        /// Where.
        at: Position,
        /// What it was drawn from.
        source: Name,
        /// The value.
        value: Payload,
    },
    /// What was wanted of the run when it was started, besides its arguments.
    #[non_exhaustive]
    StartOptions {
        /// When it is to have ended.
        deadline: Option<Timestamp>,
        /// When it begins; none if at once.
        begin_at: Option<Timestamp>,
        /// Of the runs with the same key, so many at a time run as the workflow says.
        key: Option<String>,
        /// The run that started it.
        parent: Option<RunId>,
        /// A rollback of the parent cancels it.
        linked: bool,
    },
}

impl Event {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Event::RunStarted { .. } => Kind::RunStarted,
            Event::StepAttempted { .. } => Kind::StepAttempted,
            Event::AttemptFailed { .. } => Kind::AttemptFailed,
            Event::StepDone { .. } => Kind::StepDone,
            Event::StepFailed { .. } => Kind::StepFailed,
            Event::ScopeEntered { .. } => Kind::ScopeEntered,
            Event::ScopeLeft { .. } => Kind::ScopeLeft,
            Event::FactBound { .. } => Kind::FactBound,
            Event::TimerSet { .. } => Kind::TimerSet,
            Event::TimerFired { .. } => Kind::TimerFired,
            Event::SignalReceived { .. } => Kind::SignalReceived,
            Event::SignalConsumed { .. } => Kind::SignalConsumed,
            Event::BranchWon { .. } => Kind::BranchWon,
            Event::ChildStarted { .. } => Kind::ChildStarted,
            Event::ChildEnded { .. } => Kind::ChildEnded,
            Event::Again { .. } => Kind::Again,
            Event::StateEntered { .. } => Kind::StateEntered,
            Event::Published { .. } => Kind::Published,
            Event::RollbackDecided { .. } => Kind::RollbackDecided,
            Event::CompensationStarted { .. } => Kind::CompensationStarted,
            Event::CompensationDone { .. } => Kind::CompensationDone,
            Event::CompensationFailed { .. } => Kind::CompensationFailed,
            Event::Stuck { .. } => Kind::Stuck,
            Event::Retried { .. } => Kind::Retried,
            Event::Resolved { .. } => Kind::Resolved,
            Event::Abandoned { .. } => Kind::Abandoned,
            Event::CancelRequested {} => Kind::CancelRequested,
            Event::Paused { .. } => Kind::Paused,
            Event::Resumed {} => Kind::Resumed,
            Event::Recovered {} => Kind::Recovered,
            Event::Poisoned { .. } => Kind::Poisoned,
            Event::Diverged { .. } => Kind::Diverged,
            Event::RunCompleted { .. } => Kind::RunCompleted,
            Event::RunFailed {} => Kind::RunFailed,
            Event::RunCancelled {} => Kind::RunCancelled,
            Event::RunDeleted {} => Kind::RunDeleted,
            Event::ArtifactPut { .. } => Kind::ArtifactPut,
            Event::LosersEnded { .. } => Kind::LosersEnded,
            Event::ValueDrawn { .. } => Kind::ValueDrawn,
            Event::StartOptions { .. } => Kind::StartOptions,
        }
    }

    /// Every blob that it names.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = BlobAt> + '_ {
        self.payloads().flat_map(Payload::named)
    }

    /// The kind of event, in words.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().text()
    }
}
