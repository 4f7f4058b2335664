//! The forms of events in JSON, member by member: those of the table in `FORMAT.md`.
//!
//! serde reads and writes [`Event`] itself by them; a kind or a field that is missing here does not compile.

use serde::{Deserialize, Serialize};

use super::carried::{BoxedCarried, Groups};
use super::fields::{
    BlobId, CauseOption, Hash, Id, IdOption, Json, JsonOption, JsonResult, Text, TextOption, Time, TimeOption, UuidText,
};
use crate::codec::{ArtifactId, Payload};
use crate::id::{Position, RunId};
use crate::record::{Carried, Cause, ChildEnd, Event, FactKey, Name, Reason, RequestDigest, UndoKind};
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
    #[serde(rename = "branch won")]
    BranchWon {
        #[serde(with = "Text")]
        at: Position,
        branch: u32,
    },
    #[serde(rename = "child started")]
    ChildStarted {
        #[serde(with = "Text")]
        at: Position,
        #[serde(with = "Id")]
        child: RunId,
        number: u64,
        workflow: Name,
        version: u32,
        #[serde(with = "Hash")]
        args: u64,
        linked: bool,
    },
    #[serde(rename = "child ended")]
    ChildEnded {
        #[serde(with = "Text")]
        at: Position,
        #[serde(with = "Id")]
        child: RunId,
        #[serde(with = "ChildEndForm")]
        end: ChildEnd,
    },
    #[serde(rename = "again")]
    Again {
        visit: u32,
        #[serde(with = "Json")]
        input: Payload,
        #[serde(with = "BoxedCarried")]
        carried: Box<Carried>,
    },
    #[serde(rename = "state entered")]
    StateEntered {
        visit: u32,
        state: Name,
        #[serde(with = "Json")]
        value: Payload,
        #[serde(with = "ReasonForm")]
        reason: Reason,
        #[serde(with = "Groups", default, skip_serializing_if = "Vec::is_empty")]
        groups: Vec<(Name, Timestamp)>,
        #[serde(with = "BoxedCarried")]
        carried: Box<Carried>,
    },
    #[serde(rename = "published")]
    Published {
        #[serde(with = "Text")]
        at: Position,
        #[serde(with = "Json")]
        value: Payload,
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
    #[serde(rename = "retried")]
    Retried {
        #[serde(with = "TextOption", default, skip_serializing_if = "Option::is_none")]
        step: Option<Position>,
    },
    #[serde(rename = "resolved")]
    Resolved {
        #[serde(with = "Text")]
        step: Position,
        note: String,
    },
    #[serde(rename = "abandoned")]
    Abandoned { note: String },
    #[serde(rename = "cancel requested")]
    CancelRequested {},
    #[serde(rename = "paused")]
    Paused {
        #[serde(with = "TextOption", default, skip_serializing_if = "Option::is_none")]
        at: Option<Position>,
        reason: String,
    },
    #[serde(rename = "resumed")]
    Resumed {},
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
    #[serde(rename = "losers ended")]
    LosersEnded {
        #[serde(with = "Text")]
        at: Position,
    },
    #[serde(rename = "fact bound")]
    FactBound {
        #[serde(with = "Text")]
        at: Position,
        #[serde(with = "Text")]
        fact: FactKey,
        #[serde(with = "Text")]
        request: RequestDigest,
        nth: u32,
        alone: bool,
        asked: String,
        #[serde(with = "Json")]
        value: Payload,
    },
    #[serde(rename = "value drawn")]
    ValueDrawn {
        #[serde(with = "Text")]
        at: Position,
        source: Name,
        #[serde(with = "Json")]
        value: Payload,
    },
    #[serde(rename = "start options")]
    StartOptions {
        #[serde(with = "TimeOption", default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        #[serde(with = "TimeOption", default, skip_serializing_if = "Option::is_none")]
        begin_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        #[serde(with = "IdOption", default, skip_serializing_if = "Option::is_none")]
        parent: Option<RunId>,
        linked: bool,
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
    #[serde(rename = "lost")]
    Lost,
    #[serde(rename = "deadline exceeded")]
    DeadlineExceeded,
    #[serde(rename = "abandoned")]
    Abandoned { note: String },
    #[serde(rename = "refused")]
    Refused { message: String },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ChildEnd", deny_unknown_fields)]
enum ChildEndForm {
    #[serde(rename = "completed")]
    Completed {
        #[serde(with = "Json")]
        output: Payload,
    },
    #[serde(rename = "failed")]
    Failed {
        #[serde(with = "CauseForm")]
        cause: Cause,
    },
    #[serde(rename = "cancelled")]
    Cancelled,
    #[serde(rename = "forgotten")]
    Forgotten,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Reason", deny_unknown_fields)]
enum ReasonForm {
    #[serde(rename = "handler")]
    Handler,
    #[serde(rename = "signal")]
    Signal { name: Name },
    #[serde(rename = "timeout")]
    Timeout {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<Name>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "UndoKind")]
pub(super) enum UndoKindForm {
    #[serde(rename = "compensate")]
    Compensate,
    #[serde(rename = "unknown")]
    Unknown,
    #[serde(rename = "child")]
    Child,
}
