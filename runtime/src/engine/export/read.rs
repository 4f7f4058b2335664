//! From lines to a run that can be recorded: everything is checked here, and nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read as _};
use std::mem;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::error::ImportError;
use super::lines::{AnyHead, End, FORMAT, Head, Line, Part, Sort, WHAT, crc_text};
use crate::codec::{ArtifactId, Blob, BlobAt, MAX_PAYLOAD, NamedBlob, Payload};
use crate::engine::Error;
use crate::id::{Lsn, MAX_RUN_ID, RunId};
use crate::record::json::FromJson;
use crate::record::{Event, Name, UndoKind};
use crate::run::RunState;
use crate::storage::arena::MAX_BLOB;
use crate::time::Timestamp;

/// No line of an export is longer: a record fits into a group of the log, and its text is a few times as long at most.
const MAX_LINE: u64 = 2 << 30;
/// How much of a line is shown that is none.
const SHOWN: usize = 60;

/// A run that was read, and that adds up.
#[derive(Debug)]
pub(crate) struct Import {
    /// The records; their blobs lie nowhere yet.
    pub(super) events: Vec<(Timestamp, Event)>,
    pub(super) blobs: BTreeMap<u64, Bytes>,
    pub(super) state: RunState,
}

/// A blob of an import.
#[derive(Debug)]
pub(super) struct Bytes {
    pub(super) bytes: Vec<u8>,
    pub(super) at: BlobAt,
}

/// The lines of a reader, counted.
struct Lines<R> {
    reader: R,
    limit: u64,
    /// Of the line that was read last, from 1.
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line; `None` behind the last one.
    fn next(&mut self) -> Result<Option<String>, ImportError> {
        self.number += 1;
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(self.limit + 1).read_until(b'\n', &mut bytes);
        read.map_err(|error| ImportError::Read { source: Arc::new(error) })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if bytes.len() as u64 > self.limit {
            return Err(ImportError::LineTooLong { limit: self.limit });
        }
        let text = String::from_utf8(bytes);
        text.map(Some).map_err(|error| malformed("a line of UTF-8", error))
    }
}

impl Import {
    /// Reads an export to its end, and checks it.
    ///
    /// # Errors
    /// [`Error::Import`], with the line.
    pub(crate) fn read(reader: impl BufRead) -> Result<Import, Error> {
        let mut lines = Lines { reader, limit: MAX_LINE, number: 0 };
        read(&mut lines).map_err(|source| Error::Import { line: lines.number, source })
    }
}

impl Import {
    /// The records, to be looked at: their blobs are in memory.
    pub(crate) fn into_records(self) -> Result<Vec<(Timestamp, Event)>, Error> {
        let Import { mut events, blobs, state: _ } = self;
        let held = blobs.into_iter().map(|(id, Bytes { bytes, at })| (id, Blob::new(at, at.crc, Arc::new(bytes))));
        let held: BTreeMap<u64, Blob> = held.collect();
        for (_, event) in &mut events {
            if let Event::ArtifactPut { bytes, .. } = event
                && let Some(blob) = bytes.json_blob().and_then(|at| held.get(&at.id))
            {
                *bytes = Payload::in_arena(blob.clone().into());
                continue;
            }
            for payload in event.payloads_mut() {
                let here = payload.with_other_blobs(|id| held.get(&id).cloned().map(NamedBlob::from));
                *payload = here.map_err(|id| Error::Internal { reason: format!("blob {id} has no place") })?;
            }
        }
        Ok(events)
    }
}

fn read<R: BufRead>(lines: &mut Lines<R>) -> Result<Import, ImportError> {
    let first = lines.next()?.unwrap_or_default();
    let head = head(&first)?;
    let mut reading = Reading::default();
    loop {
        let line = lines.next()?.ok_or(ImportError::Cut)?;
        match Sort::of(&line) {
            Some(Sort::Part) => reading.part(parse("some bytes of a blob", &line)?)?,
            Some(Sort::Record) => reading.record(parse("a record", &line)?, &head)?,
            Some(Sort::End) => {
                let end: End = parse("the last line", &line)?;
                let import = reading.done(&end)?;
                return match lines.next()? {
                    None => Ok(import),
                    Some(more) => Err(ImportError::BehindTheEnd { found: shown(&more) }),
                };
            }
            None => {
                let expected = "a line that begins with `{\"blob\":`, `{\"lsn\":` or `{\"end\":`";
                return Err(malformed(expected, format!("found `{}`", shown(&line))));
            }
        }
    }
}

fn head(line: &str) -> Result<Head<'_>, ImportError> {
    let not_one = || ImportError::NotAnExport { found: shown(line) };
    let any: AnyHead = serde_json::from_str(line).map_err(|_| not_one())?;
    if any.factum != WHAT {
        return Err(not_one());
    }
    if any.format != FORMAT {
        return Err(ImportError::OtherFormat { found: any.format, known: FORMAT });
    }
    parse("the first line of an exported run", line)
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    blobs: BTreeMap<u64, Bytes>,
    named: BTreeSet<u64>,
    /// The blob whose bytes are not all there yet.
    open: Option<Bytes>,
    last: Lsn,
    events: Vec<(Timestamp, Event)>,
    state: Option<RunState>,
}

impl Reading {
    fn part(&mut self, part: Part) -> Result<(), ImportError> {
        let id = part.blob;
        let differs = |expected: String, found: String| ImportError::Blob { id, expected, found };
        let crc = u32::from_str_radix(&part.crc, 16).ok().filter(|crc| crc_text(*crc) == part.crc);
        let crc = crc.ok_or_else(|| differs("a checksum of 8 hexadecimal digits".to_owned(), part.crc.clone()))?;
        let at = BlobAt { id, segment: 0, offset: 0, len: part.len, crc, schema: part.schema, encrypted: false };
        if self.blobs.contains_key(&id) {
            return Err(differs("an id that no blob before has".to_owned(), id.to_string()));
        }
        if at.len > MAX_BLOB {
            return Err(differs(format!("at most {MAX_BLOB} bytes"), at.len.to_string()));
        }
        let mut blob = self.open.take().unwrap_or(Bytes { bytes: Vec::new(), at });
        if blob.at != at {
            return Err(differs(format!("the rest of {:?}", blob.at), format!("{at:?}")));
        }
        if part.at != blob.bytes.len() as u64 {
            return Err(differs(format!("the bytes from {} on", blob.bytes.len()), format!("those from {}", part.at)));
        }
        let bytes = BASE64_STANDARD.decode(&part.base64);
        blob.bytes.extend(bytes.map_err(|error| differs("base64".to_owned(), error.to_string()))?);
        let found = blob.bytes.len() as u64;
        if found > at.len {
            return Err(differs(format!("{} bytes", at.len), format!("at least {found}")));
        }
        if found < at.len {
            self.open = Some(blob);
            return Ok(());
        }
        let found = crc32fast::hash(&blob.bytes);
        if found != crc {
            return Err(differs(format!("bytes with the checksum {}", part.crc), crc_text(found)));
        }
        self.blobs.insert(id, blob);
        Ok(())
    }

    fn record(&mut self, line: Line<FromJson>, head: &Head<'_>) -> Result<(), ImportError> {
        self.is_whole()?;
        let (lsn, time, FromJson(event), asides) = line.into_parts();
        if lsn <= self.last.0 {
            return Err(ImportError::Order { last: self.last, found: Lsn(lsn) });
        }
        self.last = Lsn(lsn);
        is_possible(&event)?;
        let place = |id| self.blobs.get(&id).map(|blob| NamedBlob::new(blob.at, None));
        let event = event.with_aside(&asides, place).map_err(|id| ImportError::MissingBlob { id })?;
        if asides.iter().skip(event.payloads().count()).any(|aside| !aside.blobs.is_empty()) {
            return Err(malformed("a record with a value", "it names blobs and has none"));
        }
        for payload in event.payloads() {
            let same = |id| payload.blobs().iter().find(|blob| blob.at().id == id).cloned();
            payload.with_other_blobs(same).map_err(|id| ImportError::HiddenBlob { id })?;
        }
        self.named.extend(event.blobs().map(|blob| blob.id));
        if let Event::ArtifactPut { artifact, bytes } = &event {
            let bytes = bytes.json_blob().and_then(|at| self.blobs.get(&at.id));
            let found = ArtifactId::of(bytes.map_or(&[], |blob| &blob.bytes));
            if found != *artifact {
                return Err(differs("the name of an artifact's bytes", &artifact.to_string(), &found.to_string()));
            }
        }
        let added = match &mut self.state {
            Some(state) => state.apply(time, &event),
            None => RunState::new(&event, time).map(|state| self.state = Some(state)),
        };
        added.map_err(|illegal| ImportError::Illegal { reason: illegal.to_string() })?;
        if let Event::RunStarted { id, workflow, version, .. } = &event {
            let same = |what, expected: &str, found: &str| match expected == found {
                true => Ok(()),
                false => Err(differs(what, expected, found)),
            };
            same("the id", &head.id, id.as_str())?;
            same("the workflow", &head.workflow, workflow)?;
            same("the version", &head.version.to_string(), &version.to_string())?;
        }
        self.events.push((time, event));
        Ok(())
    }

    fn done(mut self, end: &End) -> Result<Import, ImportError> {
        self.is_whole()?;
        let count = self.events.len() as u64;
        if !end.end || end.records != count {
            return Err(differs("the number of records", &count.to_string(), &end.records.to_string()));
        }
        if let Some(id) = self.blobs.keys().find(|id| !self.named.contains(id)) {
            let (expected, found) = ("a record that names it".to_owned(), "none".to_owned());
            return Err(ImportError::Blob { id: *id, expected, found });
        }
        let none = || ImportError::Illegal { reason: "there are no records".to_owned() };
        let state = self.state.take().ok_or_else(none)?;
        Ok(Import { events: mem::take(&mut self.events), blobs: self.blobs, state })
    }

    /// No blob has begun and not ended.
    fn is_whole(&self) -> Result<(), ImportError> {
        match &self.open {
            None => Ok(()),
            Some(Bytes { bytes, at }) => {
                let (expected, found) = (format!("{} bytes", at.len), format!("{} and another line", bytes.len()));
                Err(ImportError::Blob { id: at.id, expected, found })
            }
        }
    }
}

/// What every engine upholds when it records something, and every reader of records relies on.
fn is_possible(event: &Event) -> Result<(), ImportError> {
    let impossible = |reason: String| Err(ImportError::Impossible { reason });
    for payload in event.payloads() {
        // An artifact is no value.
        if payload.inline().is_some() && payload.len() > MAX_PAYLOAD as u64 {
            return impossible(format!("a value of {} bytes, more than {MAX_PAYLOAD}", payload.len()));
        }
    }
    if let Event::RunDeleted {} = event {
        return impossible("a run that is deleted is not exported".to_owned());
    }
    if let Some(id) = run_id(event)
        && (id.as_str().is_empty() || id.as_str().len() > MAX_RUN_ID)
    {
        return impossible(format!("an id of {} bytes, not of 1 to {MAX_RUN_ID}", id.as_str().len()));
    }
    for name in names(event) {
        if name.is_empty() || name.chars().any(char::is_control) {
            return impossible(format!("a name without characters, or with control characters: {name:?}"));
        }
    }
    Ok(())
}

/// The id of a run in an event.
fn run_id(event: &Event) -> Option<&RunId> {
    match event {
        Event::RunStarted { id, .. } | Event::ChildStarted { child: id, .. } | Event::ChildEnded { child: id, .. } => {
            Some(id)
        }
        Event::StartOptions { parent, .. } => parent.as_ref(),
        _ => None,
    }
}

/// The names that code gives to things, in an event.
fn names(event: &Event) -> Vec<&Name> {
    match event {
        Event::RunStarted { workflow: name, .. }
        | Event::StepAttempted { step: name, .. }
        | Event::ScopeEntered { saga: name, .. }
        | Event::SignalReceived { signal: name, .. }
        | Event::ChildStarted { workflow: name, .. }
        | Event::ValueDrawn { source: name, .. }
        | Event::CompensationStarted { step: name, .. } => vec![name],
        Event::Again { carried, .. } | Event::StateEntered { carried, .. } => {
            let steps = carried.undo.iter().filter(|undo| undo.kind != UndoKind::Child).map(|undo| &undo.step);
            let signals = carried.inbox.iter().map(|signal| &signal.signal);
            let state = match event {
                Event::StateEntered { state, .. } => Some(state),
                _ => None,
            };
            steps.chain(signals).chain(carried.senders.iter().map(|(signal, _)| signal)).chain(state).collect()
        }
        _ => Vec::new(),
    }
}

fn parse<'a, T: Deserialize<'a>>(expected: &'static str, line: &'a str) -> Result<T, ImportError> {
    serde_json::from_str(line).map_err(|error| malformed(expected, error))
}

fn malformed(expected: &'static str, reason: impl ToString) -> ImportError {
    ImportError::Malformed { expected, reason: reason.to_string() }
}

fn differs(what: &'static str, expected: &str, found: &str) -> ImportError {
    ImportError::Differs { what, expected: expected.to_owned(), found: found.to_owned() }
}

/// The first line of a reader.
#[cfg(test)]
pub(super) fn first_line(reader: impl std::io::Read, limit: u64) -> Result<Option<String>, ImportError> {
    Lines { reader: std::io::BufReader::new(reader), limit, number: 0 }.next()
}

fn shown(line: &str) -> String {
    line.chars().take(SHOWN).collect()
}
