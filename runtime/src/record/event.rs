//! What a record says.

use std::borrow::Cow;

use super::{Cause, Kind, UndoKind};
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
    /// Somebody asked for the run to be cancelled.
    #[non_exhaustive]
    CancelRequested {},
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
            Event::TimerSet { .. } => Kind::TimerSet,
            Event::TimerFired { .. } => Kind::TimerFired,
            Event::SignalReceived { .. } => Kind::SignalReceived,
            Event::SignalConsumed { .. } => Kind::SignalConsumed,
            Event::RollbackDecided { .. } => Kind::RollbackDecided,
            Event::CompensationStarted { .. } => Kind::CompensationStarted,
            Event::CompensationDone { .. } => Kind::CompensationDone,
            Event::CompensationFailed { .. } => Kind::CompensationFailed,
            Event::Stuck { .. } => Kind::Stuck,
            Event::CancelRequested {} => Kind::CancelRequested,
            Event::Recovered {} => Kind::Recovered,
            Event::Poisoned { .. } => Kind::Poisoned,
            Event::Diverged { .. } => Kind::Diverged,
            Event::RunCompleted { .. } => Kind::RunCompleted,
            Event::RunFailed {} => Kind::RunFailed,
            Event::RunCancelled {} => Kind::RunCancelled,
            Event::RunDeleted {} => Kind::RunDeleted,
            Event::ArtifactPut { .. } => Kind::ArtifactPut,
        }
    }

    /// Every blob that it names.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = BlobAt> + '_ {
        self.payloads().flat_map(Payload::named)
    }

    /// The values in it.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = &Payload> {
        let (value, undo_args) = match self {
            Event::RunStarted { input: value, .. }
            | Event::StepDone { output: value, .. }
            | Event::SignalReceived { payload: value, .. }
            | Event::ArtifactPut { bytes: value, .. }
            | Event::RunCompleted { output: value } => (Some(value), None),
            Event::ScopeLeft { result, .. } => (Some(result.as_ref().unwrap_or_else(|error| error)), None),
            Event::StepAttempted { undo_args, .. } => (None, undo_args.as_ref()),
            Event::AttemptFailed { cause, .. }
            | Event::StepFailed { cause, .. }
            | Event::RollbackDecided { cause, .. }
            | Event::CompensationFailed { cause, .. }
            | Event::Stuck { cause: Some(cause) } => (cause.error(), None),
            Event::ScopeEntered { .. }
            | Event::TimerSet { .. }
            | Event::TimerFired { .. }
            | Event::SignalConsumed { .. }
            | Event::CompensationStarted { .. }
            | Event::CompensationDone { .. }
            | Event::Stuck { cause: None }
            | Event::CancelRequested {}
            | Event::Recovered {}
            | Event::Poisoned { .. }
            | Event::Diverged { .. }
            | Event::RunFailed {}
            | Event::RunCancelled {}
            | Event::RunDeleted {} => (None, None),
        };
        value.into_iter().chain(undo_args)
    }

    /// The values in it, to be replaced.
    pub(crate) fn payloads_mut(&mut self) -> impl Iterator<Item = &mut Payload> {
        let (value, undo_args) = match self {
            Event::RunStarted { input: value, .. }
            | Event::StepDone { output: value, .. }
            | Event::SignalReceived { payload: value, .. }
            | Event::ArtifactPut { bytes: value, .. }
            | Event::RunCompleted { output: value } => (Some(value), None),
            Event::ScopeLeft { result, .. } => (Some(result.as_mut().unwrap_or_else(|error| error)), None),
            Event::StepAttempted { undo_args, .. } => (None, undo_args.as_mut()),
            Event::AttemptFailed { cause, .. }
            | Event::StepFailed { cause, .. }
            | Event::RollbackDecided { cause, .. }
            | Event::CompensationFailed { cause, .. }
            | Event::Stuck { cause: Some(cause) } => (cause.error_mut(), None),
            Event::ScopeEntered { .. }
            | Event::TimerSet { .. }
            | Event::TimerFired { .. }
            | Event::SignalConsumed { .. }
            | Event::CompensationStarted { .. }
            | Event::CompensationDone { .. }
            | Event::Stuck { cause: None }
            | Event::CancelRequested {}
            | Event::Recovered {}
            | Event::Poisoned { .. }
            | Event::Diverged { .. }
            | Event::RunFailed {}
            | Event::RunCancelled {}
            | Event::RunDeleted {} => (None, None),
        };
        value.into_iter().chain(undo_args)
    }

    /// The kind of event, in words.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().text()
    }
}
