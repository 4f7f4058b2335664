//! The lines of an export. The first member of each says what it is.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::codec::BlobAt;
use crate::id::Lsn;
use crate::record::json::{Aside, Hash, Time, is_none};
use crate::time::Timestamp;

/// What an export calls itself in its first line.
pub(super) const WHAT: &str = "run";
/// The version of the form of the lines.
pub(super) const FORMAT: u64 = 1;
/// A line holds so many bytes of a blob, at most: a mebibyte in base64.
pub(super) const PART: usize = 768 << 10;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head<'a> {
    pub(super) factum: Cow<'a, str>,
    pub(super) format: u64,
    pub(super) id: Cow<'a, str>,
    pub(super) workflow: Cow<'a, str>,
    pub(super) version: u32,
    #[serde(with = "Time")]
    pub(super) exported: Timestamp,
}

/// What every later format's first line begins with, too.
#[derive(Debug, Deserialize)]
pub(super) struct AnyHead {
    pub(super) factum: String,
    pub(super) format: u64,
}

/// Some bytes of a blob.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub(super) blob: u64,
    /// The bytes of the whole blob.
    pub(super) len: u64,
    /// The CRC-32 of the whole blob, as 8 hexadecimal digits.
    pub(super) crc: String,
    #[serde(with = "Hash", default, skip_serializing_if = "is_none")]
    pub(super) schema: u64,
    /// Where in the blob this part begins.
    pub(super) at: u64,
    pub(super) base64: String,
}

impl Part {
    pub(super) fn new(blob: &BlobAt, at: u64, base64: String) -> Part {
        Part { blob: blob.id, len: blob.len, crc: crc_text(blob.crc), schema: blob.schema, at, base64 }
    }
}

/// A record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<E> {
    pub(super) lsn: u64,
    #[serde(with = "Time")]
    pub(super) time: Timestamp,
    pub(super) event: E,
    /// The blobs in the event's first value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) blobs: Vec<u64>,
    /// The hash of the name of the type that this value was encoded from.
    #[serde(with = "Hash", default, skip_serializing_if = "is_none")]
    pub(super) schema: u64,
    /// The same of the event's other values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<Aside>,
}

impl<E> Line<E> {
    pub(super) fn new(lsn: Lsn, time: Timestamp, event: E, asides: Vec<Aside>) -> Line<E> {
        let mut asides = asides.into_iter();
        let Aside { blobs, schema } = asides.next().unwrap_or_default();
        Line { lsn: lsn.0, time, event, blobs, schema, others: asides.collect() }
    }

    pub(super) fn into_parts(self) -> (u64, Timestamp, E, Vec<Aside>) {
        let mut asides = vec![Aside { blobs: self.blobs, schema: self.schema }];
        asides.extend(self.others);
        (self.lsn, self.time, self.event, asides)
    }
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) end: bool,
    pub(super) records: u64,
}

pub(super) fn crc_text(crc: u32) -> String {
    format!("{crc:08x}")
}

/// What a line is, as its first member says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Part,
    Record,
    End,
}

impl Sort {
    pub(super) fn of(line: &str) -> Option<Sort> {
        let member = line.trim_start().strip_prefix('{')?.trim_start();
        let sorts = [("\"blob\"", Sort::Part), ("\"lsn\"", Sort::Record), ("\"end\"", Sort::End)];
        sorts.into_iter().find_map(|(name, sort)| member.starts_with(name).then_some(sort))
    }
}
