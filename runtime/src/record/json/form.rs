//! The forms of events in JSON, member by member: those of the table in `FORMAT.md`.
//!
//! serde reads and writes [`Event`] itself by them; a kind or a field that is missing here does not compile.

use serde::{Deserialize, Serialize};

use super::fields::{BlobId, CauseOption, Hash, Id, Json, JsonOption, JsonResult, Text, Time, TimeOption, UuidText};
use crate::codec::{ArtifactId, Payload};
use crate::id::{Position, RunId};
use crate::record::{Cause, Event, Name, UndoKind};
use crate::time::Timestamp;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Event", deny_unknown_fields)]
pub(super) enum EventForm {
    #[serde(rename = "run started")]
    RunStarted {
        #[serde(with = "Id")]
        id: RunId,
        workflow: Name,
        version: u32,
        #[serde(with = "Hash")]
        fingerprint: u64,
        #[serde(with = "UuidText")]
        origin: [u8; 16],
        origin_run: u64,
        #[serde(with = "Json")]
        input: Payload,
    },
    #[serde(rename = "step attempted")]
    StepAttempted {
        #[serde(with = "Text")]
        at: Position,
        step: Name,
        attempt: u32,
        #[serde(with = "Hash")]
        args: u64,
        pivot: bool,
        undo_done: bool,
        undo_unknown: bool,
        #[serde(with = "JsonOption", default, skip_serializing_if = "Option::is_none")]
        undo_args: Option<Payload>,
    },
    #[serde(rename = "attempt failed")]
    AttemptFailed {
        #[serde(with = "Text")]
        at: Position,
        #[serde(with = "CauseForm")]
        cause: Cause,
        unknown: bool,
        #[serde(with = "TimeOption", default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    #[serde(rename = "step done")]
    StepDone {
        #[serde(with = "Text")]
        at: Position,
        #[serde(with = "Json")]
        output: Payload,
    },
    #[serde(rename = "step failed")]
    StepFailed {
        #[serde(with = "Text")]
        at: Position,
        #[serde(with = "CauseForm")]
        cause: Cause,
        unknown: bool,
    },
    #[serde(rename = "scope entered")]
    ScopeEntered {
        #[serde(with = "Text")]
        at: Position,
        saga: Name,
        version: u32,
        #[serde(with = "Hash")]
        args: u64,
    },
    #[serde(rename = "scope left")]
    ScopeLeft {
        #[serde(with = "Text")]
        at: Position,
        #[serde(with = "JsonResult")]
        result: Result<Payload, Payload>,
    },
    #[serde(rename = "timer set")]
    TimerSet {
        #[serde(with = "Text")]
        at: Position,
        #[serde(with = "Time")]
        wake_at: Timestamp,
    },
    #[serde(rename = "timer fired")]
    TimerFired {
        #[serde(with = "Text")]
        at: Position,
    },
    #[serde(rename = "signal received")]
    SignalReceived {
        signal: Name,
        #[serde(with = "Json")]
        payload: Payload,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sender: Option<String>,
    },
    #[serde(rename = "signal consumed")]
    SignalConsumed {
        #[serde(with = "Text")]
        at: Position,
        number: u64,
    },
    #[serde(rename = "rollback decided")]
    RollbackDecided {
        #[serde(with = "Text")]
        scope: Position,
        #[serde(with = "CauseForm")]
        cause: Cause,
    },
    #[serde(rename = "compensation started")]
    CompensationStarted {
        #[serde(with = "Text")]
        of: Position,
        #[serde(with = "UndoKindForm")]
        kind: UndoKind,
        step: Name,
        attempt: u32,
    },
    #[serde(rename = "compensation done")]
    CompensationDone {
        #[serde(with = "Text")]
        of: Position,
    },
    #[serde(rename = "compensation failed")]
    CompensationFailed {
        #[serde(with = "Text")]
        of: Position,
        #[serde(with = "CauseForm")]
        cause: Cause,
        last: bool,
        #[serde(with = "TimeOption", default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    #[serde(rename = "stuck")]
    Stuck {
        #[serde(with = "CauseOption", default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    #[serde(rename = "cancel requested")]
    CancelRequested {},
    #[serde(rename = "recovered")]
    Recovered {},
    #[serde(rename = "poisoned")]
    Poisoned { crashes: u32 },
    #[serde(rename = "diverged")]
    Diverged {
        #[serde(with = "Text")]
        at: Position,
        expected: String,
        found: String,
        site: String,
    },
    #[serde(rename = "run completed")]
    RunCompleted {
        #[serde(with = "Json")]
        output: Payload,
    },
    #[serde(rename = "run failed")]
    RunFailed {},
    #[serde(rename = "run cancelled")]
    RunCancelled {},
    #[serde(rename = "run deleted")]
    RunDeleted {},
    #[serde(rename = "artifact put")]
    ArtifactPut {
        artifact: ArtifactId,
        #[serde(with = "BlobId")]
        bytes: Payload,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Cause", deny_unknown_fields)]
pub(super) enum CauseForm {
    #[serde(rename = "error")]
    Error {
        #[serde(with = "Json")]
        error: Payload,
    },
    #[serde(rename = "timed out")]
    TimedOut {
        #[serde(with = "Json")]
        error: Payload,
    },
    #[serde(rename = "panicked")]
    Panicked { message: String },
    #[serde(rename = "unrecordable")]
    Unrecordable { message: String },
    #[serde(rename = "aborted")]
    Aborted,
    #[serde(rename = "cancelled")]
    Cancelled,
    #[serde(rename = "no undo")]
    NoUndo { message: String },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "UndoKind")]
enum UndoKindForm {
    #[serde(rename = "compensate")]
    Compensate,
    #[serde(rename = "unknown")]
    Unknown,
}
