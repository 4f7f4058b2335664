//! The forms of fields: what stands in the bodies of several kinds.

use std::sync::Arc;

use crate::codec::wire::{Reader, WireError, Writer};
use crate::codec::{BlobAt, BlobSource, NamedBlob, Payload};
use crate::id::{Position, RunId};
use crate::record::{Cause, Name, Names, UndoKind};
use crate::time::Timestamp;

/// A body that is read, where its blobs are, and the names that the code knows.
pub(super) struct Body<'a> {
    pub(super) wire: Reader<'a>,
    pub(super) blobs: Option<&'a Arc<dyn BlobSource>>,
    pub(super) names: Option<&'a Names>,
}

pub(super) fn position(w: &mut Writer<'_>, at: &Position) {
    w.bytes(at.as_bytes());
}

pub(super) fn get_position(r: &mut Body<'_>) -> Result<Position, WireError> {
    Position::from_bytes(r.wire.bytes("position")?)
        .ok_or(WireError::Malformed { field: "position", expected: "a path of parts" })
}

pub(super) fn name(r: &mut Body<'_>, field: &'static str) -> Result<Name, WireError> {
    let text = r.wire.text(field)?;
    Ok(r.names.map_or_else(|| Name::Owned(text.to_owned()), |names| names.name(text)))
}

pub(super) fn owned(r: &mut Body<'_>, field: &'static str) -> Result<String, WireError> {
    r.wire.text(field).map(str::to_owned)
}

pub(super) fn id(w: &mut Writer<'_>, id: &RunId) {
    w.text(id.as_str());
}

pub(super) fn get_id(r: &mut Body<'_>, field: &'static str) -> Result<RunId, WireError> {
    r.wire.text(field).map(RunId::from)
}

pub(super) fn undo_kind(w: &mut Writer<'_>, kind: UndoKind) {
    w.byte(kind.number());
}

pub(super) fn get_undo_kind(r: &mut Body<'_>) -> Result<UndoKind, WireError> {
    let found = r.wire.byte("kind of undo")?;
    UndoKind::from_number(found).ok_or(WireError::Unknown { field: "kind of undo", found: found.into() })
}

pub(super) fn time(w: &mut Writer<'_>, at: Timestamp) {
    w.fixed(at.0.cast_unsigned());
}

pub(super) fn get_time(r: &mut Body<'_>) -> Result<Timestamp, WireError> {
    r.wire.fixed("time").map(|bits| Timestamp(bits.cast_signed()))
}

pub(super) fn option<T>(
    r: &mut Body<'_>,
    field: &'static str,
    read: impl FnOnce(&mut Body<'_>) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    if r.wire.flag(field)? { read(r).map(Some) } else { Ok(None) }
}

/// A number, and that many of something.
pub(super) fn list<T>(w: &mut Writer<'_>, items: &[T], write: impl Fn(&mut Writer<'_>, &T)) {
    w.number(items.len() as u64);
    items.iter().for_each(|item| write(w, item));
}

pub(super) fn get_list<T>(
    r: &mut Body<'_>,
    field: &'static str,
    read: impl Fn(&mut Body<'_>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    // No capacity is taken from the count: it is as it was read.
    (0..r.wire.number(field)?).map(|_| read(r)).collect()
}

/// What a payload is, as its first byte says: the JSON stands in the record itself;
const INLINE: u8 = 0;
/// so it does, after where the blobs in it lie;
const WITH_BLOBS: u8 = 1;
/// the JSON is a blob itself, and is followed by where the blobs in it lie.
const IN_ARENA: u8 = 2;

pub(super) fn payload(w: &mut Writer<'_>, value: &Payload) {
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

pub(super) fn get_payload(r: &mut Body<'_>, field: &'static str) -> Result<Payload, WireError> {
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
    list(w, value.blobs(), |w, named| blob(w, &named.at()));
}

fn get_blobs(r: &mut Body<'_>, field: &'static str) -> Result<Vec<NamedBlob>, WireError> {
    get_list(r, field, |r| get_blob(r, field))
}

fn blob(w: &mut Writer<'_>, at: &BlobAt) {
    let BlobAt { id, segment, offset, len, schema, .. } = *at;
    w.number(id);
    w.number(segment);
    w.number(offset);
    w.number(len);
    w.number(at.crc_word());
    w.fixed(schema);
}

fn get_blob(r: &mut Body<'_>, field: &'static str) -> Result<NamedBlob, WireError> {
    let (id, segment) = (r.wire.number(field)?, r.wire.number(field)?);
    let (offset, len, crc) = (r.wire.number(field)?, r.wire.number(field)?, r.wire.number(field)?);
    let wrong = WireError::Malformed { field, expected: "a place with a checksum" };
    let (crc, encrypted) = BlobAt::split_crc(crc).ok_or(wrong)?;
    let at = BlobAt { id, segment, offset, len, crc, schema: r.wire.fixed(field)?, encrypted };
    Ok(NamedBlob::new(at, r.blobs.cloned()))
}

pub(super) fn put_cause(w: &mut Writer<'_>, cause: &Cause) {
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
        Cause::Lost => w.byte(7),
        Cause::DeadlineExceeded => w.byte(8),
        Cause::Refused { message } => {
            w.byte(10);
            w.text(message);
        }
        Cause::Abandoned { note } => {
            w.byte(9);
            w.text(note);
        }
    }
}

pub(super) fn get_cause(r: &mut Body<'_>) -> Result<Cause, WireError> {
    Ok(match r.wire.byte("cause")? {
        0 => Cause::Error { error: get_payload(r, "error")? },
        1 => Cause::TimedOut { error: get_payload(r, "error")? },
        2 => Cause::Panicked { message: owned(r, "message")? },
        3 => Cause::Unrecordable { message: owned(r, "message")? },
        4 => Cause::Aborted,
        5 => Cause::Cancelled,
        6 => Cause::NoUndo { message: owned(r, "message")? },
        7 => Cause::Lost,
        8 => Cause::DeadlineExceeded,
        10 => Cause::Refused { message: owned(r, "message")? },
        9 => Cause::Abandoned { note: owned(r, "note")? },
        found => return Err(WireError::Unknown { field: "cause", found: found.into() }),
    })
}
