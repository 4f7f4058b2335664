//! The bytes of a record's body, field by field (see `FORMAT.md`).

use super::{Cause, Event, Kind, Name, UndoKind};
use crate::codec::Payload;
use crate::codec::wire::{Reader, WireError, Writer};
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
            Event::CancelRequested {} | Event::Recovered {} | Event::RunFailed {} | Event::RunCancelled {} => {}
        }
    }

    /// Reads a body to its last byte.
    pub(crate) fn decode(kind: u8, body: &[u8]) -> Result<Event, RecordError> {
        let kind = Kind::from_number(kind).ok_or(RecordError::UnknownKind { kind })?;
        let mut reader = Reader::new(body);
        read(kind, &mut reader)
            .and_then(|event| reader.end().map(|()| event))
            .map_err(|source| RecordError::Body { kind: kind.text(), source })
    }
}

fn read(kind: Kind, r: &mut Reader<'_>) -> Result<Event, WireError> {
    Ok(match kind {
        Kind::RunStarted => Event::RunStarted {
            id: RunId::from(r.text("id")?),
            workflow: name(r, "workflow")?,
            version: r.small("version")?,
            fingerprint: r.fixed("fingerprint")?,
            origin: r.array("origin")?,
            origin_run: r.number("origin run")?,
            input: get_payload(r, "input")?,
        },
        Kind::StepAttempted => Event::StepAttempted {
            at: get_position(r)?,
            step: name(r, "step")?,
            attempt: r.small("attempt")?,
            args: r.fixed("arguments")?,
            pivot: r.flag("pivot")?,
            undo_done: r.flag("undo of success")?,
            undo_unknown: r.flag("undo of an unknown end")?,
            undo_args: r.option("undo arguments", |r| get_payload(r, "undo arguments"))?,
        },
        Kind::AttemptFailed => Event::AttemptFailed {
            at: get_position(r)?,
            cause: get_cause(r)?,
            unknown: r.flag("unknown")?,
            retry_at: r.option("retry time", get_time)?,
        },
        Kind::StepDone => Event::StepDone { at: get_position(r)?, output: get_payload(r, "output")? },
        Kind::StepFailed => {
            Event::StepFailed { at: get_position(r)?, cause: get_cause(r)?, unknown: r.flag("unknown")? }
        }
        Kind::ScopeEntered => Event::ScopeEntered {
            at: get_position(r)?,
            saga: name(r, "saga")?,
            version: r.small("version")?,
            args: r.fixed("arguments")?,
        },
        Kind::ScopeLeft => {
            let at = get_position(r)?;
            let failed = r.flag("result")?;
            let value = get_payload(r, "result")?;
            Event::ScopeLeft { at, result: if failed { Err(value) } else { Ok(value) } }
        }
        Kind::TimerSet => Event::TimerSet { at: get_position(r)?, wake_at: get_time(r)? },
        Kind::TimerFired => Event::TimerFired { at: get_position(r)? },
        Kind::SignalReceived => Event::SignalReceived {
            signal: name(r, "signal")?,
            payload: get_payload(r, "payload")?,
            sender: r.option("sender", |r| r.text("sender").map(str::to_owned))?,
        },
        Kind::SignalConsumed => Event::SignalConsumed { at: get_position(r)?, number: r.number("number")? },
        Kind::RollbackDecided => Event::RollbackDecided { scope: get_position(r)?, cause: get_cause(r)? },
        Kind::CompensationStarted => Event::CompensationStarted {
            of: get_position(r)?,
            kind: match r.byte("kind of undo")? {
                0 => UndoKind::Compensate,
                1 => UndoKind::Unknown,
                found => return Err(WireError::Unknown { field: "kind of undo", found: found.into() }),
            },
            step: name(r, "step")?,
            attempt: r.small("attempt")?,
        },
        Kind::CompensationDone => Event::CompensationDone { of: get_position(r)? },
        Kind::CompensationFailed => Event::CompensationFailed {
            of: get_position(r)?,
            cause: get_cause(r)?,
            last: r.flag("last")?,
            retry_at: r.option("retry time", get_time)?,
        },
        Kind::Stuck => Event::Stuck { cause: r.option("cause", get_cause)? },
        Kind::CancelRequested => Event::CancelRequested {},
        Kind::Recovered => Event::Recovered {},
        Kind::Poisoned => Event::Poisoned { crashes: r.small("crashes")? },
        Kind::Diverged => Event::Diverged {
            at: get_position(r)?,
            expected: r.text("expected")?.to_owned(),
            found: r.text("found")?.to_owned(),
            site: r.text("site")?.to_owned(),
        },
        Kind::RunCompleted => Event::RunCompleted { output: get_payload(r, "output")? },
        Kind::RunFailed => Event::RunFailed {},
        Kind::RunCancelled => Event::RunCancelled {},
    })
}

fn position(w: &mut Writer<'_>, at: &Position) {
    w.bytes(at.as_bytes());
}

fn get_position(r: &mut Reader<'_>) -> Result<Position, WireError> {
    Position::from_bytes(r.bytes("position")?)
        .ok_or(WireError::Malformed { field: "position", expected: "a path of parts" })
}

fn name(r: &mut Reader<'_>, field: &'static str) -> Result<Name, WireError> {
    r.text(field).map(|text| Name::Owned(text.to_owned()))
}

fn time(w: &mut Writer<'_>, at: Timestamp) {
    w.fixed(at.0.cast_unsigned());
}

fn get_time(r: &mut Reader<'_>) -> Result<Timestamp, WireError> {
    r.fixed("time").map(|bits| Timestamp(bits.cast_signed()))
}

/// The tag of a payload that stands in the record itself; others will say where it lies.
const INLINE: u8 = 0;

fn payload(w: &mut Writer<'_>, value: &Payload) {
    w.byte(INLINE);
    w.bytes(value.as_bytes());
}

fn get_payload(r: &mut Reader<'_>, field: &'static str) -> Result<Payload, WireError> {
    match r.byte(field)? {
        INLINE => r.bytes(field).map(Payload::from_bytes),
        found => Err(WireError::Unknown { field, found: found.into() }),
    }
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

fn get_cause(r: &mut Reader<'_>) -> Result<Cause, WireError> {
    Ok(match r.byte("cause")? {
        0 => Cause::Error { error: get_payload(r, "error")? },
        1 => Cause::TimedOut { error: get_payload(r, "error")? },
        2 => Cause::Panicked { message: r.text("message")?.to_owned() },
        3 => Cause::Unrecordable { message: r.text("message")?.to_owned() },
        4 => Cause::Aborted,
        5 => Cause::Cancelled,
        6 => Cause::NoUndo { message: r.text("message")?.to_owned() },
        found => return Err(WireError::Unknown { field: "cause", found: found.into() }),
    })
}
