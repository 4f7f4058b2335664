//! The bytes of a record's body, field by field (see `FORMAT.md`).

mod carried;
mod child;
mod fields;

use std::sync::Arc;

use self::carried::{carried, get_carried, get_reason, reason};
use self::child::{child_end, get_child_end};
use self::fields::{
    Body, get_cause, get_id, get_list, get_payload, get_position, get_time, get_undo_kind, id, list, name, option,
    owned, payload, position, put_cause, time, undo_kind,
};
use super::{Event, FactKey, Kind, Names, RequestDigest};
use crate::codec::wire::{Reader, WireError, Writer};
use crate::codec::{ArtifactId, BlobSource, Digest};

/// A record that this version cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// A later version, or damage that a checksum did not see.
    #[error("a record of kind {kind}, which this version does not know")]
    UnknownKind { kind: u8 },
    /// A body that is not of its kind.
    #[error("a record \"{kind}\": {source}")]
    Body { kind: &'static str, source: WireError },
}

impl Event {
    /// Writes the body.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let w = &mut Writer::new(out);
        match self {
            Event::RunStarted { id: run, workflow, version, fingerprint, origin, origin_run, input } => {
                id(w, run);
                w.text(workflow);
                w.number(u64::from(*version));
                w.fixed(*fingerprint);
                w.array(origin);
                w.number(*origin_run);
                payload(w, input);
            }
            Event::StepAttempted { at, step, attempt, args, pivot, undo_done, undo_unknown, undo_args } => {
                position(w, at);
                w.text(step);
                w.number(u64::from(*attempt));
                w.fixed(*args);
                w.flag(*pivot);
                w.flag(*undo_done);
                w.flag(*undo_unknown);
                w.option(undo_args.as_ref(), payload);
            }
            Event::AttemptFailed { at, cause, unknown, retry_at } => {
                position(w, at);
                put_cause(w, cause);
                w.flag(*unknown);
                w.option(*retry_at, time);
            }
            Event::StepDone { at, output } => {
                position(w, at);
                payload(w, output);
            }
            Event::StepFailed { at, cause, unknown } => {
                position(w, at);
                put_cause(w, cause);
                w.flag(*unknown);
            }
            Event::ScopeEntered { at, saga, version, args } => {
                position(w, at);
                w.text(saga);
                w.number(u64::from(*version));
                w.fixed(*args);
            }
            Event::ScopeLeft { at, result } => {
                position(w, at);
                w.flag(result.is_err());
                payload(w, result.as_ref().unwrap_or_else(|error| error));
            }
            Event::FactBound { at, fact, request, nth, alone, asked, value } => {
                position(w, at);
                w.text(&fact.name);
                w.number(u64::from(fact.ordinal));
                w.array(request.as_bytes());
                w.number(u64::from(*nth));
                w.flag(*alone);
                w.text(asked);
                payload(w, value);
            }
            Event::TimerSet { at, wake_at } => {
                position(w, at);
                time(w, *wake_at);
            }
            Event::TimerFired { at } => position(w, at),
            Event::SignalReceived { signal, payload: value, sender } => {
                w.text(signal);
                payload(w, value);
                w.option(sender.as_deref(), Writer::text);
            }
            Event::SignalConsumed { at, number } => {
                position(w, at);
                w.number(*number);
            }
            Event::BranchWon { at, branch } => {
                position(w, at);
                w.number(u64::from(*branch));
            }
            Event::ChildStarted { at, child, number, workflow, version, args, linked } => {
                position(w, at);
                id(w, child);
                w.number(*number);
                w.text(workflow);
                w.number(u64::from(*version));
                w.fixed(*args);
                w.flag(*linked);
            }
            Event::ChildEnded { at, child, end } => {
                position(w, at);
                id(w, child);
                child_end(w, end);
            }
            Event::Again { visit, input, carried: older } => {
                w.number(u64::from(*visit));
                payload(w, input);
                carried(w, older);
            }
            Event::StateEntered { visit, state, value, reason: why, groups, carried: older } => {
                w.number(u64::from(*visit));
                w.text(state);
                payload(w, value);
                reason(w, why);
                list(w, groups, |w, (group, since)| {
                    w.text(group);
                    time(w, *since);
                });
                carried(w, older);
            }
            Event::Published { at, value } => {
                position(w, at);
                payload(w, value);
            }
            Event::RollbackDecided { scope, cause } => {
                position(w, scope);
                put_cause(w, cause);
            }
            Event::CompensationStarted { of, kind, step, attempt } => {
                position(w, of);
                undo_kind(w, *kind);
                w.text(step);
                w.number(u64::from(*attempt));
            }
            Event::CompensationDone { of } => position(w, of),
            Event::CompensationFailed { of, cause, last, retry_at } => {
                position(w, of);
                put_cause(w, cause);
                w.flag(*last);
                w.option(*retry_at, time);
            }
            Event::Stuck { cause } => w.option(cause.as_ref(), put_cause),
            Event::Retried { step } => w.option(step.as_ref(), position),
            Event::Resolved { step, note } => {
                position(w, step);
                w.text(note);
            }
            Event::Abandoned { note } => w.text(note),
            Event::Paused { at, reason } => {
                w.option(at.as_ref(), position);
                w.text(reason);
            }
            Event::Poisoned { crashes } => w.number(u64::from(*crashes)),
            Event::Diverged { at, expected, found, site } => {
                position(w, at);
                w.text(expected);
                w.text(found);
                w.text(site);
            }
            Event::RunCompleted { output } => payload(w, output),
            Event::ArtifactPut { artifact, bytes } => {
                w.array(artifact.as_bytes());
                payload(w, bytes);
            }
            Event::LosersEnded { at } => position(w, at),
            Event::ValueDrawn { at, source, value } => {
                position(w, at);
                w.text(source);
                payload(w, value);
            }
            Event::StartOptions { deadline, begin_at, key, parent, linked } => {
                w.option(*deadline, time);
                w.option(*begin_at, time);
                w.option(key.as_deref(), Writer::text);
                w.option(parent.as_ref(), id);
                w.flag(*linked);
            }
            Event::CancelRequested {}
            | Event::Resumed {}
            | Event::Recovered {}
            | Event::RunFailed {}
            | Event::RunCancelled {}
            | Event::RunDeleted {} => {}
        }
    }

    /// Reads a body to its last byte. Blobs that it names are opened from `blobs`, when they are first wanted; `names`
    /// are not copied.
    pub(crate) fn decode(
        kind: u8,
        body: &[u8],
        blobs: Option<&Arc<dyn BlobSource>>,
        names: Option<&Names>,
    ) -> Result<Event, RecordError> {
        let kind = Kind::from_number(kind).ok_or(RecordError::UnknownKind { kind })?;
        let mut reader = Body { wire: Reader::new(body), blobs, names };
        read(kind, &mut reader)
            .and_then(|event| reader.wire.end().map(|()| event))
            .map_err(|source| RecordError::Body { kind: kind.text(), source })
    }
}

fn read(kind: Kind, r: &mut Body<'_>) -> Result<Event, WireError> {
    Ok(match kind {
        Kind::RunStarted => Event::RunStarted {
            id: get_id(r, "id")?,
            workflow: name(r, "workflow")?,
            version: r.wire.small("version")?,
            fingerprint: r.wire.fixed("fingerprint")?,
            origin: r.wire.array("origin")?,
            origin_run: r.wire.number("origin run")?,
            input: get_payload(r, "input")?,
        },
        Kind::StepAttempted => Event::StepAttempted {
            at: get_position(r)?,
            step: name(r, "step")?,
            attempt: r.wire.small("attempt")?,
            args: r.wire.fixed("arguments")?,
            pivot: r.wire.flag("pivot")?,
            undo_done: r.wire.flag("undo of success")?,
            undo_unknown: r.wire.flag("undo of an unknown end")?,
            undo_args: option(r, "undo arguments", |r| get_payload(r, "undo arguments"))?,
        },
        Kind::AttemptFailed => Event::AttemptFailed {
            at: get_position(r)?,
            cause: get_cause(r)?,
            unknown: r.wire.flag("unknown")?,
            retry_at: option(r, "retry time", get_time)?,
        },
        Kind::StepDone => Event::StepDone { at: get_position(r)?, output: get_payload(r, "output")? },
        Kind::StepFailed => {
            Event::StepFailed { at: get_position(r)?, cause: get_cause(r)?, unknown: r.wire.flag("unknown")? }
        }
        Kind::ScopeEntered => Event::ScopeEntered {
            at: get_position(r)?,
            saga: name(r, "saga")?,
            version: r.wire.small("version")?,
            args: r.wire.fixed("arguments")?,
        },
        Kind::ScopeLeft => {
            let at = get_position(r)?;
            let failed = r.wire.flag("result")?;
            let value = get_payload(r, "result")?;
            Event::ScopeLeft { at, result: if failed { Err(value) } else { Ok(value) } }
        }
        Kind::FactBound => Event::FactBound {
            at: get_position(r)?,
            fact: FactKey { name: owned(r, "name")?.into(), ordinal: r.wire.small("ordinal")? },
            request: RequestDigest(Digest(r.wire.array("request")?)),
            nth: r.wire.small("number among equal requests")?,
            alone: r.wire.flag("alone")?,
            asked: owned(r, "what was asked")?,
            value: get_payload(r, "value")?,
        },
        Kind::TimerSet => Event::TimerSet { at: get_position(r)?, wake_at: get_time(r)? },
        Kind::TimerFired => Event::TimerFired { at: get_position(r)? },
        Kind::SignalReceived => Event::SignalReceived {
            signal: name(r, "signal")?,
            payload: get_payload(r, "payload")?,
            sender: option(r, "sender", |r| owned(r, "sender"))?,
        },
        Kind::SignalConsumed => Event::SignalConsumed { at: get_position(r)?, number: r.wire.number("number")? },
        Kind::BranchWon => Event::BranchWon { at: get_position(r)?, branch: r.wire.small("branch")? },
        Kind::ChildStarted => Event::ChildStarted {
            at: get_position(r)?,
            child: get_id(r, "child")?,
            number: r.wire.number("child's number")?,
            workflow: name(r, "workflow")?,
            version: r.wire.small("version")?,
            args: r.wire.fixed("arguments")?,
            linked: r.wire.flag("linked")?,
        },
        Kind::ChildEnded => {
            Event::ChildEnded { at: get_position(r)?, child: get_id(r, "child")?, end: get_child_end(r)? }
        }
        Kind::Again => Event::Again {
            visit: r.wire.small("visit")?,
            input: get_payload(r, "input")?,
            carried: Box::new(get_carried(r)?),
        },
        Kind::StateEntered => Event::StateEntered {
            visit: r.wire.small("visit")?,
            state: name(r, "state")?,
            value: get_payload(r, "value")?,
            reason: get_reason(r)?,
            groups: get_list(r, "groups", |r| Ok((name(r, "group")?, get_time(r)?)))?,
            carried: Box::new(get_carried(r)?),
        },
        Kind::Published => Event::Published { at: get_position(r)?, value: get_payload(r, "value")? },
        Kind::RollbackDecided => Event::RollbackDecided { scope: get_position(r)?, cause: get_cause(r)? },
        Kind::CompensationStarted => Event::CompensationStarted {
            of: get_position(r)?,
            kind: get_undo_kind(r)?,
            step: name(r, "step")?,
            attempt: r.wire.small("attempt")?,
        },
        Kind::CompensationDone => Event::CompensationDone { of: get_position(r)? },
        Kind::CompensationFailed => Event::CompensationFailed {
            of: get_position(r)?,
            cause: get_cause(r)?,
            last: r.wire.flag("last")?,
            retry_at: option(r, "retry time", get_time)?,
        },
        Kind::Stuck => Event::Stuck { cause: option(r, "cause", get_cause)? },
        Kind::Retried => Event::Retried { step: option(r, "step", get_position)? },
        Kind::Resolved => Event::Resolved { step: get_position(r)?, note: owned(r, "note")? },
        Kind::Abandoned => Event::Abandoned { note: owned(r, "note")? },
        Kind::Paused => Event::Paused { at: option(r, "place", get_position)?, reason: owned(r, "reason")? },
        Kind::Resumed => Event::Resumed {},
        Kind::CancelRequested => Event::CancelRequested {},
        Kind::Recovered => Event::Recovered {},
        Kind::Poisoned => Event::Poisoned { crashes: r.wire.small("crashes")? },
        Kind::Diverged => Event::Diverged {
            at: get_position(r)?,
            expected: owned(r, "expected")?,
            found: owned(r, "found")?,
            site: owned(r, "site")?,
        },
        Kind::RunCompleted => Event::RunCompleted { output: get_payload(r, "output")? },
        Kind::RunFailed => Event::RunFailed {},
        Kind::RunCancelled => Event::RunCancelled {},
        Kind::RunDeleted => Event::RunDeleted {},
        Kind::LosersEnded => Event::LosersEnded { at: get_position(r)? },
        Kind::ValueDrawn => {
            Event::ValueDrawn { at: get_position(r)?, source: name(r, "source")?, value: get_payload(r, "value")? }
        }
        Kind::StartOptions => Event::StartOptions {
            deadline: option(r, "deadline", get_time)?,
            begin_at: option(r, "time of the beginning", get_time)?,
            key: option(r, "key", |r| owned(r, "key"))?,
            parent: option(r, "parent", |r| get_id(r, "parent"))?,
            linked: r.wire.flag("linked")?,
        },
        Kind::ArtifactPut => {
            Event::ArtifactPut { artifact: ArtifactId(Digest(r.wire.array("name")?)), bytes: get_payload(r, "bytes")? }
        }
    })
}
