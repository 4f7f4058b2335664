//! A record's header and body within a frame.

use crate::storage::bytes::{put, u16_at, u32_at, u64_at};

/// The bytes of a record's header; its body follows.
pub(super) const RECORD_HEADER: usize = FLAGS_AT + 1 + 2 + 8 + 8;

const LEN_AT: usize = 0;
const KIND_AT: usize = LEN_AT + 4;
const FLAGS_AT: usize = KIND_AT + 1;
const RESERVED_AT: usize = FLAGS_AT + 1;
const RUN_AT: usize = RESERVED_AT + 2;
const TIME_AT: usize = RUN_AT + 8;

/// The flag of a record that is atomic with the next one.
pub(crate) const GROUP_CONTINUES: u8 = 1;
/// The flag of a record whose body is encrypted.
pub(crate) const ENCRYPTED: u8 = 2;
const KNOWN_FLAGS: u8 = GROUP_CONTINUES | ENCRYPTED;

/// A record, as storage knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawRecord<'a> {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) run: u64,
    /// Nanoseconds since 1970-01-01 UTC.
    pub(crate) time: i64,
    pub(crate) body: &'a [u8],
}

impl RawRecord<'_> {
    /// Whether its body is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }
}

/// Appends a record's header and body; gives the offset of the header, or
/// `None` (and a half-written record) when the body is longer than a header can say.
pub(super) fn write(
    bytes: &mut Vec<u8>,
    kind: u8,
    flags: u8,
    run: u64,
    time: i64,
    body: impl FnOnce(&mut Vec<u8>),
) -> Option<usize> {
    let start = bytes.len();
    let mut header = [0; RECORD_HEADER];
    (header[KIND_AT], header[FLAGS_AT]) = (kind, flags);
    put(&mut header, RUN_AT, &run.to_le_bytes());
    put(&mut header, TIME_AT, &time.to_le_bytes());
    bytes.extend_from_slice(&header);
    body(bytes);
    debug_assert!(bytes.len() >= start + RECORD_HEADER, "a body only appends");
    let len = u32::try_from(bytes.len().checked_sub(start + RECORD_HEADER)?).ok()?;
    bytes[start..start + 4].copy_from_slice(&len.to_le_bytes());
    Some(start)
}

/// Says of the record whose header is at `start` that it is atomic with the next.
pub(super) fn continue_group(bytes: &mut [u8], start: usize) {
    bytes[start + FLAGS_AT] |= GROUP_CONTINUES;
}

/// What a record within an intact frame can be wrong in, and where, counted from the first record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Flags { at: usize, index: u32, flags: u8 },
    Other { at: usize, expected: String, found: String },
}

impl Fault {
    fn other(at: usize, expected: impl Into<String>, found: impl ToString) -> Fault {
        Fault::Other { at, expected: expected.into(), found: found.to_string() }
    }
}

/// The records of a frame, each with its offset from the first.
#[derive(Debug, Clone)]
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    index: u32,
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Records<'a> {
        Records { bytes, at: 0, index: 0 }
    }

    fn read(&self) -> Result<(usize, RawRecord<'a>), Fault> {
        let at = self.at;
        let rest = &self.bytes[at..];
        if rest.len() < RECORD_HEADER {
            return Err(Fault::other(at, format!("a record's header of {RECORD_HEADER} bytes"), rest.len()));
        }
        let len = u32_at(rest, LEN_AT) as usize;
        let Some(body) = rest[RECORD_HEADER..].get(..len) else {
            let room = rest.len() - RECORD_HEADER;
            return Err(Fault::other(at, format!("a body of at most {room} bytes"), len));
        };
        let flags = rest[FLAGS_AT];
        if flags & !KNOWN_FLAGS != 0 {
            return Err(Fault::Flags { at, index: self.index, flags });
        }
        match u16_at(rest, RESERVED_AT) {
            0 => {}
            reserved => return Err(Fault::other(at + RESERVED_AT, "a reserved field of 0", reserved)),
        }
        let (run, time) = (u64_at(rest, RUN_AT), u64_at(rest, TIME_AT).cast_signed());
        Ok((at, RawRecord { kind: rest[KIND_AT], flags, run, time, body }))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(usize, RawRecord<'a>), Fault>;

    /// The next record; nothing after a fault.
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let item = self.read();
        match &item {
            Ok((_, record)) => {
                self.at += RECORD_HEADER + record.body.len();
                self.index = self.index.saturating_add(1);
            }
            Err(_) => self.at = self.bytes.len(),
        }
        Some(item)
    }
}

/// The record whose header is at `at`, among bytes in which it was found before.
pub(super) fn at(bytes: &[u8], at: usize) -> RawRecord<'_> {
    let rest = &bytes[at..];
    let (flags, run, time) = (rest[FLAGS_AT], u64_at(rest, RUN_AT), u64_at(rest, TIME_AT).cast_signed());
    let body = &rest[RECORD_HEADER..][..u32_at(rest, LEN_AT) as usize];
    RawRecord { kind: rest[KIND_AT], flags, run, time, body }
}

/// Checks that `bytes` are `count` whole records, the last of which ends its group.
pub(super) fn check(bytes: &[u8], count: u32) -> Result<(), Fault> {
    let (mut found, mut open) = (0u32, None);
    for item in Records::new(bytes) {
        let (at, record) = item?;
        found = found.saturating_add(1);
        open = (record.flags & GROUP_CONTINUES != 0).then_some(at);
    }
    if found != count {
        return Err(Fault::other(0, format!("{count} records"), found));
    }
    match open {
        Some(at) => Err(Fault::other(at, "the last record of a frame to end its group", "one that continues it")),
        None => Ok(()),
    }
}
