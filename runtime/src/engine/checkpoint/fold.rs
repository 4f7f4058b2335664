//! From records to changes of the checkpoint: pure functions over values.
//!
//! What must always hold: a run's records are in its journal while it is in
//! flight and packed in one row when it has ended, never in both; its other
//! rows can be told from those alone (but for how it sleeps, which is the
//! engine's to say); every blob that a record names has a row as long as the run is known.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::record::{Record, journal_row, pack};
use super::row::{RunRow, Tomb, encode_blob};
use super::{Broken, History, tables};
use crate::codec::{BlobAt, Digest};
use crate::engine::live::problem;
use crate::engine::status::Status;
use crate::id::{Lsn, Position, RunNumber};
use crate::journal::{Decoder, Stored};
use crate::record::{Event, Kind, names_no_blob};
use crate::run::RunState;
use crate::storage::checkpoint::Batch;

/// What the checkpoint held of a run.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) row: Option<RunRow>,
    /// Its records; only wanted if the run ends now, begins another turn, or is deleted.
    pub(super) records: Vec<Record>,
    /// The keys of its packed history; only wanted if the run is deleted.
    pub(super) history: Vec<Vec<u8>>,
    /// The blobs that it names; only wanted if the run begins another turn or is deleted.
    pub(super) blobs: Vec<u64>,
}

/// What of a run's past is wanted to take these records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    pub(super) row: bool,
    pub(super) journal: bool,
    pub(super) history: bool,
    pub(super) blobs: bool,
}

/// Nothing is wanted of a run that begins with these records.
pub(super) fn wanted<'r>(records: impl Iterator<Item = Stored<'r>>) -> Wanted {
    let mut records = records.peekable();
    if records.peek().is_some_and(starts) {
        return Wanted::default();
    }
    let (mut ended, mut turned, mut deleted) = (false, false, false);
    for record in records {
        ended |= ends(&record);
        turned |= turns(&record);
        deleted |= is(&record, Kind::RunDeleted);
    }
    Wanted { row: true, journal: ended || turned, history: deleted && !ended, blobs: turned || (deleted && !ended) }
}

fn is(record: &Stored<'_>, kind: Kind) -> bool {
    record.kind == kind as u8
}

fn starts(record: &Stored<'_>) -> bool {
    is(record, Kind::RunStarted)
}

fn ends(record: &Stored<'_>) -> bool {
    [Kind::RunCompleted, Kind::RunFailed, Kind::RunCancelled].iter().any(|kind| is(record, *kind))
}

/// Whether a record begins a turn of its run: what came before it goes.
fn turns(record: &Stored<'_>) -> bool {
    [Kind::Again, Kind::StateEntered].iter().any(|kind| is(record, *kind))
}

/// The records of a run that outlive its last turn's beginning: how it was started, and all from there on.
fn of_last_turn<'r>(records: &[Stored<'r>]) -> Vec<Stored<'r>> {
    let turn = records.iter().rposition(turns).unwrap_or(0);
    let stays = |(at, record): &(usize, &Stored<'_>)| *at >= turn || starts(record) || is(record, Kind::StartOptions);
    records.iter().enumerate().filter(stays).map(|(_, record)| *record).collect()
}

/// The state of a run after its records.
pub(super) fn state(number: RunNumber, records: &[Record], decoder: &Decoder) -> Result<RunState, Broken> {
    added_up(records.iter().map(|record| record.stored(number)), decoder)
}

fn added_up<'r>(records: impl Iterator<Item = Stored<'r>>, decoder: &Decoder) -> Result<RunState, Broken> {
    let mut state: Option<RunState> = None;
    for record in records {
        let event = event(&record, decoder)?;
        match &mut state {
            None => state = Some(RunState::new(&event, record.time).map_err(|e| Broken::at(record.lsn, e))?),
            Some(state) => state.apply(record.time, &event).map_err(|e| Broken::at(record.lsn, e))?,
        }
    }
    state.ok_or_else(|| Broken::new("the records of a run", "there are none"))
}

fn event(record: &Stored<'_>, decoder: &Decoder) -> Result<Event, Broken> {
    decoder.event(record).map_err(|e| Broken::at(record.lsn, e))
}

/// One batch in the making.
pub(super) struct Fold<'a> {
    batch: Batch,
    history: History,
    decoder: &'a Decoder,
    /// Where a blob lies now.
    place: &'a (dyn Fn(&BlobAt) -> BlobAt + Sync),
    /// The runs that name a blob, of every blob whose runs may become none.
    names: BTreeMap<u64, BTreeSet<u64>>,
    /// The keys of the artifacts that those blobs are.
    artifacts: BTreeMap<u64, Vec<u8>>,
    referenced: BTreeSet<u64>,
    ended: u64,
    deleted: Vec<RunNumber>,
    last_run: u64,
}

/// What became of the records of some runs.
pub(super) struct Folded {
    pub(super) batch: Batch,
    /// Blobs that rows name from now on.
    pub(super) referenced: BTreeSet<u64>,
    /// Blobs that no row names any more.
    pub(super) free: Vec<u64>,
    /// How many runs ended.
    pub(super) ended: u64,
    /// The runs that are forgotten.
    pub(super) deleted: Vec<RunNumber>,
}

impl<'a> Fold<'a> {
    pub(super) fn new(
        history: History,
        decoder: &'a Decoder,
        place: &'a (dyn Fn(&BlobAt) -> BlobAt + Sync),
        names: BTreeMap<u64, BTreeSet<u64>>,
        artifacts: BTreeMap<u64, Vec<u8>>,
    ) -> Self {
        let (batch, referenced) = (Batch::default(), BTreeSet::new());
        let (deleted, ended, last_run) = (Vec::new(), 0, 0);
        Fold { batch, history, decoder, place, names, artifacts, referenced, ended, deleted, last_run }
    }

    /// Takes the next records of one run.
    pub(super) fn run(&mut self, number: RunNumber, before: &Before, records: &[Stored<'_>]) -> Result<(), Broken> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
        let turned = records.iter().any(turns);
        let mut all = Cow::Borrowed(records);
        if !before.records.is_empty() {
            all = before.records.iter().map(|record| record.stored(number)).chain(records.iter().copied()).collect();
        }
        if turned {
            all = Cow::Owned(of_last_turn(&all));
            self.turn(number, before, records, &all)?;
        } else {
            self.blobs(number, records)?;
        }
        let fresh = before.row.is_none();
        if starts(first) {
            // Numbers ascend with the starts: a batch without one says nothing of the last.
            self.last_run = self.last_run.max(number.0);
        }
        if fresh && records.iter().all(|record| is(record, Kind::RunDeleted)) {
            // Recorded twice, with a crash in between.
            self.deleted.push(number);
            return Ok(());
        }
        if fresh && !starts(first) {
            return Err(Broken::at(first.lsn, format!("run {} was never started", number.0)));
        }
        if let Some(row) = &before.row {
            self.wake(number, row);
        }
        let started = before.row.as_ref().map_or(first.lsn, |row| row.started);
        let ended = records.iter().any(ends);
        self.ended += u64::from(ended);
        if is(last, Kind::RunDeleted) {
            let state = added_up(all.iter().copied(), self.decoder)?;
            self.delete(number, before, &state, started, last);
            return Ok(());
        }
        if ended {
            let row = match self.completed(&all, started)? {
                Some(row) => row,
                None => row(&added_up(all.iter().copied(), self.decoder)?, started),
            };
            return self.end(number, before, &row, &all);
        }
        if turned && !fresh {
            // The records of earlier turns go.
            self.batch.clear(number.0);
        }
        for record in if turned { &*all } else { records } {
            self.batch.append(number.0, record.lsn.0, journal_row(record));
        }
        match &before.row {
            None => self.start(number, first)?,
            Some(row) if row.sleep.is_some() => {
                self.batch.put(tables::RUNS, tables::run(number), RunRow { sleep: None, ..row.clone() }.encode());
                self.batch.put(tables::AWAKE, tables::run(number), Vec::new());
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// The row of a run that completed, if its first record and its last one say all that stands there. That the
    /// others can follow each other was seen when they were recorded.
    fn completed(&self, all: &[Stored<'_>], started: Lsn) -> Result<Option<RunRow>, Broken> {
        let (Some(first), Some(last)) = (all.first(), all.last()) else { return Ok(None) };
        if !is(last, Kind::RunCompleted) || all.iter().any(turns) {
            return Ok(None);
        }
        let row = self.started(first, started)?;
        Ok(Some(RunRow { updated_at: last.time, status: Status::Completed, ..row }))
    }

    /// The row of a run of which its first record alone is known.
    fn started(&self, first: &Stored<'_>, started: Lsn) -> Result<RunRow, Broken> {
        let Event::RunStarted { id, workflow, version, .. } = event(first, self.decoder)? else {
            return Err(Broken::at(first.lsn, "the run has not been started"));
        };
        Ok(RunRow {
            id,
            workflow,
            version,
            started,
            started_at: first.time,
            updated_at: first.time,
            status: Status::Running,
            problem: None,
            state: None,
            sleep: None,
        })
    }

    pub(super) fn done(mut self) -> Folded {
        if self.last_run > 0 {
            self.batch.put(tables::META, tables::LAST_RUN.to_vec(), self.last_run.to_be_bytes().to_vec());
        }
        let free: Vec<u64> = self.names.iter().filter(|(_, runs)| runs.is_empty()).map(|(blob, _)| *blob).collect();
        for blob in &free {
            self.batch.remove(tables::BLOBS, blob.to_be_bytes().to_vec());
            if let Some(artifact) = self.artifacts.get(blob) {
                self.batch.remove(tables::ARTIFACTS, artifact.clone());
                self.batch.remove(tables::BLOB_ARTIFACTS, blob.to_be_bytes().to_vec());
            }
        }
        let Fold { batch, referenced, ended, deleted, .. } = self;
        Folded { batch, referenced, free, ended, deleted }
    }

    fn start(&mut self, number: RunNumber, first: &Stored<'_>) -> Result<(), Broken> {
        let row = self.started(first, first.lsn)?;
        self.batch.put(tables::AWAKE, tables::run(number), Vec::new());
        self.batch.put(tables::FLIGHT, tables::flight(&row.workflow, row.version, number), Vec::new());
        self.batch.put(tables::IDS, row.id.as_str().as_bytes(), tables::run(number));
        self.batch.put(tables::RUNS, tables::run(number), row.encode());
        Ok(())
    }

    /// The rows that say how a run sleeps go.
    fn wake(&mut self, number: RunNumber, row: &RunRow) {
        let Some(sleep) = &row.sleep else { return };
        if let Some(wake_at) = sleep.wake_at {
            self.batch.remove(tables::TIMERS, tables::at(wake_at, number));
        }
        for (kind, step) in &sleep.needs {
            self.batch.remove(tables::NEEDS, tables::need(*kind, step, number));
        }
    }

    fn end(&mut self, number: RunNumber, before: &Before, row: &RunRow, all: &[Stored<'_>]) -> Result<(), Broken> {
        if before.row.is_some() {
            self.batch.clear(number.0);
            self.batch.remove(tables::AWAKE, tables::run(number));
            self.batch.remove(tables::FLIGHT, tables::flight(&row.workflow, row.version, number));
        } else {
            self.batch.put(tables::IDS, row.id.as_str().as_bytes(), tables::run(number));
        }
        let packed = match self.history {
            History::Full => pack(all),
            History::Outcome => {
                let outcome = outcome(all, self.decoder)?;
                pack(&outcome.iter().map(|record| record.stored(number)).collect::<Vec<_>>())
            }
        };
        for (first, packed) in packed {
            self.batch.put(tables::HISTORY, tables::pair(number.0, first.0), packed);
        }
        self.batch.put(tables::ENDED, tables::at(row.updated_at, number), Vec::new());
        self.batch.put(tables::RUNS, tables::run(number), row.encode());
        Ok(())
    }

    fn delete(&mut self, number: RunNumber, before: &Before, state: &RunState, started: Lsn, last: &Stored<'_>) {
        let row = row(state, started);
        let key = tables::run(number);
        if before.row.is_some() {
            self.batch.clear(number.0);
        }
        self.batch.remove(tables::RUNS, key.clone());
        for first in &before.history {
            self.batch.remove(tables::HISTORY, first.clone());
        }
        self.batch.remove(tables::AWAKE, key);
        self.batch.remove(tables::FLIGHT, tables::flight(&row.workflow, row.version, number));
        self.batch.remove(tables::ENDED, tables::at(state.ended_at(), number));
        self.batch.remove(tables::IDS, row.id.as_str().as_bytes().to_vec());
        for &blob in &before.blobs {
            self.batch.remove(tables::RUN_BLOBS, tables::pair(number.0, blob));
            self.batch.remove(tables::BLOB_RUNS, tables::pair(blob, number.0));
            self.names.entry(blob).or_default().remove(&number.0);
        }
        let tomb = Tomb {
            number,
            workflow: row.workflow,
            version: row.version,
            // An input that cannot be read any more is like no other.
            input: Digest::of(&state.start.input).ok(),
            status: row.status,
            deleted_at: last.time,
        };
        self.deleted.push(number);
        self.batch.put(tables::TOMB_TIMES, tables::tomb_time(last.time, &row.id), Vec::new());
        self.batch.put(tables::TOMBS, row.id.as_str().as_bytes().to_vec(), tomb.encode());
    }

    /// What only the records of earlier turns name is given back; an artifact is kept while the run is known.
    fn turn(
        &mut self,
        number: RunNumber,
        before: &Before,
        records: &[Stored<'_>],
        last_turn: &[Stored<'_>],
    ) -> Result<(), Broken> {
        let put = |record: &&Stored<'_>| is(record, Kind::ArtifactPut);
        let artifacts: Vec<Stored<'_>> = records.iter().filter(put).copied().collect();
        self.blobs(number, last_turn)?;
        self.blobs(number, &artifacts)?;
        let mut named = BTreeSet::new();
        for record in last_turn {
            named.extend(event(record, self.decoder)?.blobs().map(|at| at.id));
        }
        for &blob in &before.blobs {
            if named.contains(&blob) || self.artifacts.contains_key(&blob) {
                continue;
            }
            self.batch.remove(tables::RUN_BLOBS, tables::pair(number.0, blob));
            self.batch.remove(tables::BLOB_RUNS, tables::pair(blob, number.0));
            self.names.entry(blob).or_default().remove(&number.0);
        }
        Ok(())
    }

    /// Rows for the blobs that the records name.
    fn blobs(&mut self, number: RunNumber, records: &[Stored<'_>]) -> Result<(), Broken> {
        let plain = !self.decoder.cipher.is_on();
        for record in records {
            if plain && !record.encrypted && names_no_blob(record.kind, record.body) {
                continue;
            }
            let event = event(record, self.decoder)?;
            if let Event::ArtifactPut { artifact, bytes } = &event
                && let Some(at) = bytes.json_blob()
            {
                let id = at.id.to_be_bytes().to_vec();
                self.batch.put(tables::ARTIFACTS, tables::artifact(artifact), id.clone());
                self.batch.put(tables::BLOB_ARTIFACTS, id, tables::artifact(artifact));
            }
            for at in event.blobs() {
                self.batch.put(tables::BLOBS, at.id.to_be_bytes().to_vec(), encode_blob(&(self.place)(&at)));
                self.batch.put(tables::BLOB_RUNS, tables::pair(at.id, number.0), Vec::new());
                self.batch.put(tables::RUN_BLOBS, tables::pair(number.0, at.id), Vec::new());
                self.referenced.insert(at.id);
                if let Some(runs) = self.names.get_mut(&at.id) {
                    runs.insert(number.0);
                }
            }
        }
        Ok(())
    }
}

fn row(state: &RunState, started: Lsn) -> RunRow {
    RunRow {
        id: state.start.id.clone(),
        workflow: state.start.workflow.clone(),
        version: state.start.version,
        started,
        started_at: state.start.at,
        updated_at: state.last,
        status: Status::of(&state.phase, state.paused.is_some(), false),
        problem: problem(&state.phase, state),
        state: state.since.state.as_ref().map(|(name, _)| name.clone()),
        sleep: None,
    }
}

/// Of a run's records those that say how it began and ended; of a machine also its last state, which keeps nothing any more.
fn outcome(records: &[Stored<'_>], decoder: &Decoder) -> Result<Vec<Record>, Broken> {
    let events: Vec<Event> = records.iter().map(|record| event(record, decoder)).collect::<Result<_, _>>()?;
    // One that was given up while it was undone has decided twice.
    let decided = events.iter().rposition(
        |event| matches!(event, Event::RollbackDecided { scope, .. } if *scope == Position::root(scope.visit())),
    );
    let mut outcome = Vec::new();
    for (at, (record, event)) in records.iter().zip(events).enumerate() {
        match event {
            Event::StateEntered { visit, state, value, reason, groups, .. } => {
                let entered = Event::StateEntered { visit, state, value, reason, groups, carried: Box::default() };
                let body = decoder.body(record, &entered).map_err(|e| Broken::at(record.lsn, e))?;
                outcome.push(Record { body, ..Record::from(record) });
            }
            _ if starts(record) || ends(record) || decided == Some(at) => outcome.push(Record::from(record)),
            _ => {}
        }
    }
    Ok(outcome)
}
