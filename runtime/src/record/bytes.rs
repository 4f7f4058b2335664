//! The bytes of a record's body, field by field (see `FORMAT.md`).

use std::sync::Arc;

use super::{Cause, Event, Kind, Name, UndoKind};
use crate::codec::wire::{Reader, WireError, Writer};
use crate::codec::{ArtifactId, BlobAt, BlobSource, Digest, NamedBlob, Payload};
use crate::id::{Position, RunId};
use crate::time::Timestamp;

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
            Event::RunStarted { id, workflow, version, fingerprint, origin, origin_run, input } => {
                w.text(id.as_str());
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
            Event::RollbackDecided { scope, cause } => {
                position(w, scope);
                put_cause(w, cause);
            }
            Event::CompensationStarted { of, kind, step, attempt } => {
                position(w, of);
                w.byte(match kind {
                    UndoKind::Compensate => 0,
                    UndoKind::Unknown => 1,
                });
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
            Event::CancelRequested {}
            | Event::Recovered {}
            | Event::RunFailed {}
            | Event::RunCancelled {}
            | Event::RunDeleted {} => {}
        }
    }

    /// Reads a body to its last byte. Blobs that it names are opened from `blobs`, when they are first wanted.
    pub(crate) fn decode(kind: u8, body: &[u8], blobs: Option<&Arc<dyn BlobSource>>) -> Result<Event, RecordError> {
        let kind = Kind::from_number(kind).ok_or(RecordError::UnknownKind { kind })?;
        let mut reader = Body { wire: Reader::new(body), blobs };
        read(kind, &mut reader)
            .and_then(|event| reader.wire.end().map(|()| event))
            .map_err(|source| RecordError::Body { kind: kind.text(), source })
    }
}

/// A body that is read, and where its blobs are.
struct Body<'a> {
    wire: Reader<'a>,
    blobs: Option<&'a Arc<dyn BlobSource>>,
}

fn read(kind: Kind, r: &mut Body<'_>) -> Result<Event, WireError> {
    Ok(match kind {
        Kind::RunStarted => Event::RunStarted {
            id: RunId::from(r.wire.text("id")?),
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
        Kind::TimerSet => Event::TimerSet { at: get_position(r)?, wake_at: get_time(r)? },
        Kind::TimerFired => Event::TimerFired { at: get_position(r)? },
        Kind::SignalReceived => Event::SignalReceived {
            signal: name(r, "signal")?,
            payload: get_payload(r, "payload")?,
            sender: option(r, "sender", |r| r.wire.text("sender").map(str::to_owned))?,
        },
        Kind::SignalConsumed => Event::SignalConsumed { at: get_position(r)?, number: r.wire.number("number")? },
        Kind::RollbackDecided => Event::RollbackDecided { scope: get_position(r)?, cause: get_cause(r)? },
        Kind::CompensationStarted => Event::CompensationStarted {
            of: get_position(r)?,
            kind: match r.wire.byte("kind of undo")? {
                0 => UndoKind::Compensate,
                1 => UndoKind::Unknown,
                found => return Err(WireError::Unknown { field: "kind of undo", found: found.into() }),
            },
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
        Kind::CancelRequested => Event::CancelRequested {},
        Kind::Recovered => Event::Recovered {},
        Kind::Poisoned => Event::Poisoned { crashes: r.wire.small("crashes")? },
        Kind::Diverged => Event::Diverged {
            at: get_position(r)?,
            expected: r.wire.text("expected")?.to_owned(),
            found: r.wire.text("found")?.to_owned(),
            site: r.wire.text("site")?.to_owned(),
        },
        Kind::RunCompleted => Event::RunCompleted { output: get_payload(r, "output")? },
        Kind::RunFailed => Event::RunFailed {},
        Kind::RunCancelled => Event::RunCancelled {},
        Kind::RunDeleted => Event::RunDeleted {},
        Kind::ArtifactPut => {
            Event::ArtifactPut { artifact: ArtifactId(Digest(r.wire.array("name")?)), bytes: get_payload(r, "bytes")? }
        }
    })
}

fn position(w: &mut Writer<'_>, at: &Position) {
    w.bytes(at.as_bytes());
}

fn get_position(r: &mut Body<'_>) -> Result<Position, WireError> {
    Position::from_bytes(r.wire.bytes("position")?)
        .ok_or(WireError::Malformed { field: "position", expected: "a path of parts" })
}

fn name(r: &mut Body<'_>, field: &'static str) -> Result<Name, WireError> {
    r.wire.text(field).map(|text| Name::Owned(text.to_owned()))
}

fn time(w: &mut Writer<'_>, at: Timestamp) {
    w.fixed(at.0.cast_unsigned());
}

fn get_time(r: &mut Body<'_>) -> Result<Timestamp, WireError> {
    r.wire.fixed("time").map(|bits| Timestamp(bits.cast_signed()))
}

fn option<T>(
    r: &mut Body<'_>,
    field: &'static str,
    read: impl FnOnce(&mut Body<'_>) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    if r.wire.flag(field)? { read(r).map(Some) } else { Ok(None) }
}

/// What a payload is, as its first byte says: the JSON stands in the record itself;
const INLINE: u8 = 0;
/// so it does, after where the blobs in it lie;
const WITH_BLOBS: u8 = 1;
/// the JSON is a blob itself, and is followed by where the blobs in it lie.
const IN_ARENA: u8 = 2;

fn payload(w: &mut Writer<'_>, value: &Payload) {
    match (value.inline(), value.json_blob()) {
        (Some(json), _) if value.blobs().is_empty() => {
            w.byte(INLINE);
            w.bytes(json);
        }
        (Some(json), _) => {
            w.byte(WITH_BLOBS);
            blobs(w, value);
            w.bytes(json);
        }
        (None, json) => {
            w.byte(IN_ARENA);
            json.iter().for_each(|json| blob(w, json));
            blobs(w, value);
        }
    }
}

fn get_payload(r: &mut Body<'_>, field: &'static str) -> Result<Payload, WireError> {
    match r.wire.byte(field)? {
        INLINE => r.wire.bytes(field).map(Payload::from_bytes),
        WITH_BLOBS => {
            let blobs = get_blobs(r, field)?;
            if blobs.is_empty() {
                return Err(WireError::Malformed { field, expected: "a value with blobs in it, as it says" });
            }
            r.wire.bytes(field).map(|json| Payload::from_bytes(json).with_blobs(blobs))
        }
        IN_ARENA => {
            let json = get_blob(r, field)?;
            get_blobs(r, field).map(|blobs| Payload::in_arena(json).with_blobs(blobs))
        }
        found => Err(WireError::Unknown { field, found: found.into() }),
    }
}

fn blobs(w: &mut Writer<'_>, value: &Payload) {
    w.number(value.blobs().len() as u64);
    value.blobs().iter().for_each(|named| blob(w, &named.at()));
}

fn get_blobs(r: &mut Body<'_>, field: &'static str) -> Result<Vec<NamedBlob>, WireError> {
    // No capacity is taken from the count: it is as it was read.
    (0..r.wire.number(field)?).map(|_| get_blob(r, field)).collect()
}

fn blob(w: &mut Writer<'_>, at: &BlobAt) {
    let BlobAt { id, segment, offset, len, crc, schema } = *at;
    w.number(id);
    w.number(segment);
    w.number(offset);
    w.number(len);
    w.number(crc.into());
    w.fixed(schema);
}

fn get_blob(r: &mut Body<'_>, field: &'static str) -> Result<NamedBlob, WireError> {
    let at = BlobAt {
        id: r.wire.number(field)?,
        segment: r.wire.number(field)?,
        offset: r.wire.number(field)?,
        len: r.wire.number(field)?,
        crc: r.wire.small(field)?,
        schema: r.wire.fixed(field)?,
    };
    Ok(NamedBlob::new(at, r.blobs.cloned()))
}

fn put_cause(w: &mut Writer<'_>, cause: &Cause) {
    match cause {
        Cause::Error { error } => {
            w.byte(0);
            payload(w, error);
        }
        Cause::TimedOut { error } => {
            w.byte(1);
            payload(w, error);
        }
        Cause::Panicked { message } => {
            w.byte(2);
            w.text(message);
        }
        Cause::Unrecordable { message } => {
            w.byte(3);
            w.text(message);
        }
        Cause::Aborted => w.byte(4),
        Cause::Cancelled => w.byte(5),
        Cause::NoUndo { message } => {
            w.byte(6);
            w.text(message);
        }
    }
}

fn get_cause(r: &mut Body<'_>) -> Result<Cause, WireError> {
    Ok(match r.wire.byte("cause")? {
        0 => Cause::Error { error: get_payload(r, "error")? },
        1 => Cause::TimedOut { error: get_payload(r, "error")? },
        2 => Cause::Panicked { message: r.wire.text("message")?.to_owned() },
        3 => Cause::Unrecordable { message: r.wire.text("message")?.to_owned() },
        4 => Cause::Aborted,
        5 => Cause::Cancelled,
        6 => Cause::NoUndo { message: r.wire.text("message")?.to_owned() },
        found => return Err(WireError::Unknown { field: "cause", found: found.into() }),
    })
}
