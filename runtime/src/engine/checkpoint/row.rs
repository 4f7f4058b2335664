//! What the checkpoint says of one run besides its records.

use super::Broken;
use crate::codec::wire::{Reader, WireError, Writer};
use crate::codec::{BlobAt, Digest};
use crate::engine::status::{RunInfo, Status, Waiting, WaitingOn};
use crate::id::{Lsn, RunId, RunNumber};
use crate::record::{Name, UndoKind};
use crate::time::Timestamp;

/// The version of these rows.
const VERSION: u8 = 1;
/// That of the row of a run that has entered a state.
const WITH_STATE: u8 = 2;

/// That of the row of a run that sleeps: there may be very many of those.
const ASLEEP: u8 = 3;
/// The bits of its second byte; those above are the status.
const STATE: u8 = 1;
const PROBLEM: u8 = 2;
const WAKES: u8 = 4;
const UUID: u8 = 8;
const STATUS: u8 = 16;

/// A row of the table of runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunRow {
    pub(crate) id: RunId,
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    pub(crate) started: Lsn,
    pub(crate) started_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) status: Status,
    pub(crate) problem: Option<String>,
    /// The state that it is in, if it has entered one.
    pub(crate) state: Option<Name>,
    /// How it sleeps, if it is in flight and not in memory.
    pub(crate) sleep: Option<SleepRow>,
}

/// A run in flight that is not in memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SleepRow {
    /// When it wakes by itself.
    pub(crate) wake_at: Option<Timestamp>,
    pub(crate) waiting: Vec<Waiting>,
    /// What its rollback would call.
    pub(crate) needs: Vec<(UndoKind, String)>,
}

const STATUSES: [Status; 10] = [
    Status::Running,
    Status::Waiting,
    Status::Paused,
    Status::Compensating,
    Status::Completed,
    Status::Failed,
    Status::Cancelled,
    Status::Stuck,
    Status::Diverged,
    Status::Poisoned,
];

fn status_number(status: Status) -> u8 {
    STATUSES.iter().position(|known| *known == status).unwrap_or(0) as u8
}

fn status(r: &mut Reader<'_>) -> Result<Status, WireError> {
    let found = r.byte("status")?;
    status_of(found)
}

fn status_of(found: u8) -> Result<Status, WireError> {
    STATUSES.get(usize::from(found)).copied().ok_or(WireError::Unknown { field: "status", found: found.into() })
}

fn time(w: &mut Writer<'_>, time: Timestamp) {
    w.fixed(time.0.cast_unsigned());
}

fn get_time(r: &mut Reader<'_>) -> Result<Timestamp, WireError> {
    r.fixed("time").map(|bits| Timestamp(bits.cast_signed()))
}

/// A moment as how far it is from another one: the sign goes last.
fn near(w: &mut Writer<'_>, base: Timestamp, time: Timestamp) {
    let step = time.0.wrapping_sub(base.0);
    w.number(((step << 1) ^ (step >> 63)).cast_unsigned());
}

fn get_near(r: &mut Reader<'_>, base: Timestamp) -> Result<Timestamp, WireError> {
    let step = r.number("time")?;
    Ok(Timestamp(base.0.wrapping_add((step >> 1).cast_signed() ^ -((step & 1).cast_signed()))))
}

/// An id that is a UUID as it is usually written.
fn uuid_of(id: &str) -> Option<uuid::Uuid> {
    let uuid = uuid::Uuid::try_parse(id).ok()?;
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    (*uuid.hyphenated().encode_lower(&mut text) == *id).then_some(uuid)
}

/// Reads a row to its last byte.
fn whole<T>(
    what: &'static str,
    row: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<T, Broken> {
    whole_of(what, VERSION, row, read)
}

/// As [`whole`], of one version.
fn whole_of<T>(
    what: &'static str,
    version: u8,
    row: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<T, Broken> {
    let mut r = Reader::new(row);
    let value = match r.byte("version") {
        Ok(found) if found == version => read(&mut r),
        Ok(found) => Err(WireError::Unknown { field: "version", found: found.into() }),
        Err(error) => Err(error),
    };
    value.and_then(|value| r.end().map(|()| value)).map_err(|e| Broken::new(what, e))
}

impl RunRow {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(96);
        let w = &mut Writer::new(&mut row);
        match &self.sleep {
            Some(sleep) => self.encode_asleep(sleep, w),
            None => self.encode_awake(w),
        }
        row
    }

    /// As rows of all runs were written before those that sleep had a version of their own.
    #[cfg(any(test, fuzzing))]
    pub(super) fn encode_as_before(&self) -> Vec<u8> {
        let mut row = Vec::new();
        self.encode_awake(&mut Writer::new(&mut row));
        row
    }

    fn encode_awake(&self, w: &mut Writer<'_>) {
        w.byte(if self.state.is_some() { WITH_STATE } else { VERSION });
        w.text(self.id.as_str());
        w.text(&self.workflow);
        w.number(self.version.into());
        w.number(self.started.0);
        time(w, self.started_at);
        time(w, self.updated_at);
        w.byte(status_number(self.status));
        w.option(self.problem.as_deref(), Writer::text);
        w.option(self.sleep.as_ref(), |w, sleep| {
            w.option(sleep.wake_at, time);
            sleep.encode(w, &time, &time);
        });
        if let Some(state) = &self.state {
            w.text(state);
        }
    }

    fn encode_asleep(&self, sleep: &SleepRow, w: &mut Writer<'_>) {
        let uuid = uuid_of(self.id.as_str());
        let bit = |is: bool, bit: u8| if is { bit } else { 0 };
        let bits = bit(self.state.is_some(), STATE) | bit(self.problem.is_some(), PROBLEM);
        let bits = bits | bit(sleep.wake_at.is_some(), WAKES) | bit(uuid.is_some(), UUID);
        w.byte(ASLEEP);
        w.byte(bits | (status_number(self.status) * STATUS));
        match uuid {
            Some(uuid) => w.array(uuid.as_bytes()),
            None => w.text(self.id.as_str()),
        }
        w.text(&self.workflow);
        w.number(self.version.into());
        w.number(self.started.0);
        time(w, self.started_at);
        near(w, self.started_at, self.updated_at);
        self.problem.iter().for_each(|problem| w.text(problem));
        self.state.iter().for_each(|state| w.text(state));
        sleep.wake_at.into_iter().for_each(|at| time(w, at));
        let until = sleep.wake_at.unwrap_or(self.updated_at);
        sleep.encode(w, &|w, at| near(w, until, at), &|w, at| near(w, self.updated_at, at));
    }

    fn decode_asleep(r: &mut Reader<'_>) -> Result<RunRow, WireError> {
        let bits = r.byte("kind of row")?;
        let has = |bit: u8| bits & bit != 0;
        let id = match has(UUID) {
            true => RunId::from(uuid::Uuid::from_bytes(r.array("id")?).hyphenated().to_string()),
            false => match r.text("id")? {
                id if uuid_of(id).is_some() => {
                    return Err(WireError::Malformed { field: "id", expected: "a UUID in 16 bytes" });
                }
                id => RunId::from(id),
            },
        };
        let (workflow, version) = (owned(r, "workflow")?, r.small("version")?);
        let (started, started_at) = (Lsn(r.number("started")?), get_time(r)?);
        let updated_at = get_near(r, started_at)?;
        let problem = has(PROBLEM).then(|| r.text("problem").map(str::to_owned)).transpose()?;
        let state = has(STATE).then(|| owned(r, "state")).transpose()?;
        let wake_at = has(WAKES).then(|| get_time(r)).transpose()?;
        let until = wake_at.unwrap_or(updated_at);
        let sleep = SleepRow::decode(r, wake_at, &|r| get_near(r, until), &|r| get_near(r, updated_at))?;
        let status = status_of(bits / STATUS)?;
        Ok(RunRow {
            id,
            workflow,
            version,
            started,
            started_at,
            updated_at,
            status,
            problem,
            state,
            sleep: Some(sleep),
        })
    }

    pub(super) fn decode(row: &[u8]) -> Result<RunRow, Broken> {
        if row.first() == Some(&ASLEEP) {
            return whole_of("a row of a run", ASLEEP, row, RunRow::decode_asleep);
        }
        // An empty row is told of as one of the first version.
        let version = if row.first() == Some(&WITH_STATE) { WITH_STATE } else { VERSION };
        whole_of("a row of a run", version, row, |r| {
            let row = RunRow {
                id: RunId::from(r.text("id")?),
                workflow: Name::Owned(r.text("workflow")?.to_owned()),
                version: r.small("version")?,
                started: Lsn(r.number("started")?),
                started_at: get_time(r)?,
                updated_at: get_time(r)?,
                status: status(r)?,
                problem: r.option("problem", |r| r.text("problem").map(str::to_owned))?,
                sleep: r.option("sleep", |r| {
                    let wake_at = r.option("wake time", get_time)?;
                    SleepRow::decode(r, wake_at, &get_time, &get_time)
                })?,
                state: None,
            };
            Ok(match version {
                WITH_STATE => RunRow { state: Some(Name::Owned(r.text("state")?.to_owned())), ..row },
                _ => row,
            })
        })
    }

    pub(crate) fn info(self) -> RunInfo {
        RunInfo {
            id: self.id,
            workflow: self.workflow.into_owned(),
            version: self.version,
            status: self.status,
            state: self.state.map(Name::into_owned),
            waiting: self.sleep.map(|sleep| sleep.waiting).unwrap_or_default(),
            started_at: self.started_at.into(),
            updated_at: self.updated_at.into(),
            problem: self.problem,
        }
    }
}

fn owned(r: &mut Reader<'_>, field: &'static str) -> Result<Name, WireError> {
    r.text(field).map(|text| Name::Owned(text.to_owned()))
}

impl SleepRow {
    /// Whether the run sleeps until it is to begin.
    pub(crate) fn is_before_start(&self) -> bool {
        matches!(&*self.waiting, [Waiting { on: WaitingOn::Start { .. }, .. }])
    }

    /// All but the wake time; `until` and `since` write moments.
    fn encode(
        &self,
        w: &mut Writer<'_>,
        until_at: &dyn Fn(&mut Writer<'_>, Timestamp),
        since_at: &dyn Fn(&mut Writer<'_>, Timestamp),
    ) {
        w.number(self.waiting.len() as u64);
        for waiting in &self.waiting {
            match &waiting.on {
                WaitingOn::Timer { until } => {
                    w.byte(0);
                    until_at(w, (*until).into());
                }
                WaitingOn::Signal { name, until: None } => {
                    w.byte(1);
                    w.text(name);
                }
                WaitingOn::Signal { name, until: Some(until) } => {
                    w.byte(4);
                    w.text(name);
                    until_at(w, (*until).into());
                }
                WaitingOn::Start { until } => {
                    w.byte(3);
                    until_at(w, (*until).into());
                }
                WaitingOn::Turn { key } => {
                    w.byte(5);
                    w.option(key.as_deref(), |w, key| w.text(key));
                }
                WaitingOn::Rate { step, until } => {
                    w.byte(6);
                    w.text(step);
                    until_at(w, (*until).into());
                }
                WaitingOn::Child { id } => {
                    w.byte(7);
                    w.text(id.as_str());
                }
                WaitingOn::Retry { step, until } => {
                    w.byte(2);
                    w.text(step);
                    until_at(w, (*until).into());
                }
            }
            since_at(w, waiting.since.into());
            w.text(&waiting.file);
            w.number(waiting.line.into());
        }
        w.number(self.needs.len() as u64);
        for (kind, step) in &self.needs {
            w.byte(kind.number());
            w.text(step);
        }
    }

    fn decode(
        r: &mut Reader<'_>,
        wake_at: Option<Timestamp>,
        until: &dyn Fn(&mut Reader<'_>) -> Result<Timestamp, WireError>,
        since: &dyn Fn(&mut Reader<'_>) -> Result<Timestamp, WireError>,
    ) -> Result<SleepRow, WireError> {
        let waiting = (0..r.number("waits")?)
            .map(|_| {
                let on = match r.byte("wait")? {
                    0 => WaitingOn::Timer { until: until(r)?.into() },
                    1 => WaitingOn::Signal { name: owned(r, "signal")?, until: None },
                    2 => WaitingOn::Retry { step: owned(r, "step")?, until: until(r)?.into() },
                    3 => WaitingOn::Start { until: until(r)?.into() },
                    4 => WaitingOn::Signal { name: owned(r, "signal")?, until: Some(until(r)?.into()) },
                    5 => WaitingOn::Turn { key: r.option("key", |r| owned(r, "key"))? },
                    6 => WaitingOn::Rate { step: owned(r, "step")?, until: until(r)?.into() },
                    7 => WaitingOn::Child { id: RunId::from(r.text("child")?) },
                    found => return Err(WireError::Unknown { field: "wait", found: found.into() }),
                };
                let since = since(r)?.into();
                Ok(Waiting { on, since, file: Name::Owned(r.text("file")?.to_owned()), line: r.small("line")? })
            })
            .collect::<Result<_, WireError>>()?;
        let needs = (0..r.number("needs")?)
            .map(|_| {
                let found = r.byte("kind of undo")?;
                let unknown = WireError::Unknown { field: "kind of undo", found: found.into() };
                Ok((UndoKind::from_number(found).ok_or(unknown)?, r.text("step")?.to_owned()))
            })
            .collect::<Result<_, WireError>>()?;
        Ok(SleepRow { wake_at, waiting, needs })
    }
}

/// What is known of a run that was forgotten.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tomb {
    pub(crate) number: RunNumber,
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    /// The digest of its input; none if it could not be read any more.
    pub(crate) input: Option<Digest>,
    pub(crate) status: Status,
    pub(crate) deleted_at: Timestamp,
}

impl Tomb {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(80);
        let w = &mut Writer::new(&mut row);
        w.byte(VERSION);
        w.number(self.number.0);
        w.text(&self.workflow);
        w.number(self.version.into());
        w.option(self.input.as_ref(), |w, digest| w.array(&digest.0));
        w.byte(status_number(self.status));
        time(w, self.deleted_at);
        row
    }

    pub(super) fn decode(row: &[u8]) -> Result<Tomb, Broken> {
        whole("a tombstone", row, |r| {
            Ok(Tomb {
                number: RunNumber(r.number("run")?),
                workflow: Name::Owned(r.text("workflow")?.to_owned()),
                version: r.small("version")?,
                input: r.option("digest", |r| r.array("digest").map(Digest))?,
                status: status(r)?,
                deleted_at: get_time(r)?,
            })
        })
    }
}

pub(super) fn encode_blob(at: &BlobAt) -> Vec<u8> {
    let mut row = Vec::with_capacity(40);
    let w = &mut Writer::new(&mut row);
    w.byte(VERSION);
    w.number(at.segment);
    w.number(at.offset);
    w.number(at.len);
    w.number(at.crc_word());
    w.fixed(at.schema);
    row
}

pub(super) fn decode_blob(id: u64, row: &[u8]) -> Result<BlobAt, Broken> {
    whole("a row of a blob", row, |r| {
        let (segment, offset, len) = (r.number("segment")?, r.number("offset")?, r.number("length")?);
        let wrong = WireError::Malformed { field: "checksum", expected: "one of 32 bits" };
        let (crc, encrypted) = BlobAt::split_crc(r.number("checksum")?).ok_or(wrong)?;
        Ok(BlobAt { id, segment, offset, len, crc, schema: r.fixed("schema")?, encrypted })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were() {
        let at = Timestamp(5_000_000_000);
        let waits = [
            WaitingOn::Timer { until: at.into() },
            WaitingOn::Signal { name: "Go".into(), until: None },
            WaitingOn::Signal { name: "Go".into(), until: Some(at.into()) },
            WaitingOn::Start { until: at.into() },
            WaitingOn::Turn { key: None },
            WaitingOn::Turn { key: Some("ann".into()) },
            WaitingOn::Rate { step: "charge".into(), until: at.into() },
            WaitingOn::Child { id: RunId::from("r/0") },
            WaitingOn::Retry { step: "charge".into(), until: at.into() },
        ];
        let waiting = waits.map(|on| Waiting { on, since: at.into(), file: "a.rs".into(), line: 7 }).to_vec();
        let needs = vec![(UndoKind::Compensate, "a".to_owned()), (UndoKind::Unknown, "b".to_owned())];
        for sleep in [None, Some(SleepRow { wake_at: Some(at), waiting, needs })] {
            for status in STATUSES {
                let row = RunRow {
                    state: sleep.as_ref().map(|_| Name::from("Paid")),
                    id: RunId::from("r"),
                    workflow: "w".into(),
                    version: 2,
                    started: Lsn(3),
                    started_at: at,
                    updated_at: Timestamp(-1),
                    status,
                    problem: sleep.as_ref().map(|_| "oops".to_owned()),
                    sleep: sleep.clone(),
                };
                assert_eq!(RunRow::decode(&row.encode()).unwrap(), row);
                assert_eq!(RunRow::decode(&row.encode_as_before()).unwrap(), row);
            }
        }
        let tomb = Tomb {
            number: RunNumber(9),
            workflow: "w".into(),
            version: 1,
            input: Some(Digest([3; 32])),
            status: Status::Failed,
            deleted_at: at,
        };
        assert_eq!(Tomb::decode(&tomb.encode()).unwrap(), tomb);
        let blob = BlobAt { id: 4, segment: 1, offset: 4096, len: 1 << 40, crc: 7, schema: 8, encrypted: true };
        assert_eq!(decode_blob(4, &encode_blob(&blob)).unwrap(), blob);
        assert!(RunRow::decode(&tomb.encode()).is_err());
    }
}
