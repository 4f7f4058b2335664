//! From records to changes of the checkpoint: pure functions over values.
//!
//! What must always hold: a run's records are in its journal while it is in
//! flight and packed in one row when it has ended, never in both; its other
//! rows can be told from those alone (but for how it sleeps, which is the
//! engine's to say); every blob that a record names has a row as long as the run is known.

use std::collections::{BTreeMap, BTreeSet};

use super::record::{Record, pack};
use super::row::{RunRow, Tomb, encode_blob};
use super::{Broken, History, tables};
use crate::codec::{BlobAt, Digest};
use crate::engine::live::problem;
use crate::engine::status::Status;
use crate::id::{Lsn, Position, RunNumber};
use crate::journal::Decoder;
use crate::record::{Event, Kind};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) row: bool,
    pub(super) journal: bool,
    pub(super) history: bool,
    pub(super) blobs: bool,
}

pub(super) fn wanted(records: &[Record]) -> Wanted {
    let has = |kind: Kind| records.iter().any(|record| record.kind == kind as u8);
    let row = !has(Kind::RunStarted);
    let deleted = has(Kind::RunDeleted);
    let ended = records.iter().any(ends);
    let turned = records.iter().any(turns);
    Wanted {
        row,
        journal: row && (ended || turned),
        history: row && deleted && !ended,
        blobs: row && (turned || (deleted && !ended)),
    }
}

fn ends(record: &Record) -> bool {
    [Kind::RunCompleted, Kind::RunFailed, Kind::RunCancelled].iter().any(|kind| *kind as u8 == record.kind)
}

/// Whether a record begins a turn of its run: what came before it goes.
fn turns(record: &Record) -> bool {
    [Kind::Again, Kind::StateEntered].iter().any(|kind| *kind as u8 == record.kind)
}

/// The records of a run that outlive its last turn's beginning: how it was started, and all from there on.
fn of_last_turn(records: impl DoubleEndedIterator<Item = Record> + Clone) -> Vec<Record> {
    let turn = records.clone().rev().find(turns).map(|record| record.lsn);
    let start = |record: &Record| [Kind::RunStarted, Kind::StartOptions].iter().any(|kind| *kind as u8 == record.kind);
    records.filter(|record| turn.is_none_or(|turn| record.lsn >= turn) || start(record)).collect()
}

/// The state of a run after its records.
pub(super) fn state(number: RunNumber, records: &[Record], decoder: &Decoder) -> Result<RunState, Broken> {
    let mut state: Option<RunState> = None;
    for record in records {
        let event = decoder.event(&record.stored(number)).map_err(|e| Broken::at(record.lsn, e))?;
        match &mut state {
            None => state = Some(RunState::new(&event, record.time).map_err(|e| Broken::at(record.lsn, e))?),
            Some(state) => state.apply(record.time, &event).map_err(|e| Broken::at(record.lsn, e))?,
        }
    }
    state.ok_or_else(|| Broken::new("the records of a run", "there are none"))
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
    pub(super) fn run(&mut self, number: RunNumber, before: Before, records: &[Record]) -> Result<(), Broken> {
        let turned = records.iter().any(turns);
        let all = || before.records.iter().chain(records).cloned();
        let last_turn = if turned { of_last_turn(all()) } else { Vec::new() };
        match turned {
            true => self.turn(number, &before, records, &last_turn)?,
            false => self.blobs(number, records)?,
        }
        let fresh = before.row.is_none();
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
        if first.kind == Kind::RunStarted as u8 {
            // Numbers ascend with the starts: a batch without one says nothing of the last.
            self.last_run = self.last_run.max(number.0);
        }
        if fresh && records.iter().all(|record| record.kind == Kind::RunDeleted as u8) {
            // Recorded twice, with a crash in between.
            self.deleted.push(number);
            return Ok(());
        }
        if fresh && first.kind != Kind::RunStarted as u8 {
            return Err(Broken::at(first.lsn, format!("run {} was never started", number.0)));
        }
        if let Some(row) = &before.row {
            self.wake(number, row);
        }
        let deleted = last.kind == Kind::RunDeleted as u8;
        let ended = records.iter().any(ends);
        if deleted || ended {
            let all: Vec<Record> = if turned { last_turn } else { all().collect() };
            let started = match &before.row {
                Some(row) => row.started,
                None => first.lsn,
            };
            let state = state(number, &all, self.decoder)?;
            self.ended += u64::from(ended);
            match deleted {
                true => self.delete(number, &before, &state, started, last),
                false => self.end(number, &before, &state, started, &all)?,
            }
            return Ok(());
        }
        if turned && !fresh {
            // The records of earlier turns go.
            self.batch.clear(number.0);
        }
        for record in if turned { &last_turn } else { records } {
            self.batch.append(number.0, record.lsn.0, record.row());
        }
        match before.row {
            None => self.start(number, records)?,
            Some(row) if row.sleep.is_some() => {
                self.batch.put(tables::RUNS, tables::run(number), RunRow { sleep: None, ..row }.encode());
                self.batch.put(tables::AWAKE, tables::run(number), Vec::new());
            }
            Some(_) => {}
        }
        Ok(())
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

    fn start(&mut self, number: RunNumber, records: &[Record]) -> Result<(), Broken> {
        let state = state(number, &records[..1], self.decoder)?;
        let row = self.row(&state, records[0].lsn);
        self.batch.put(tables::AWAKE, tables::run(number), Vec::new());
        self.batch.put(tables::FLIGHT, tables::flight(&row.workflow, row.version, number), Vec::new());
        self.batch.put(tables::IDS, row.id.as_str().as_bytes().to_vec(), tables::run(number));
        self.batch.put(tables::RUNS, tables::run(number), row.encode());
        Ok(())
    }

    fn row(&self, state: &RunState, started: Lsn) -> RunRow {
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

    fn end(
        &mut self,
        number: RunNumber,
        before: &Before,
        state: &RunState,
        started: Lsn,
        all: &[Record],
    ) -> Result<(), Broken> {
        let row = self.row(state, started);
        if before.row.is_some() {
            self.batch.clear(number.0);
            self.batch.remove(tables::AWAKE, tables::run(number));
            self.batch.remove(tables::FLIGHT, tables::flight(&row.workflow, row.version, number));
        } else {
            self.batch.put(tables::IDS, row.id.as_str().as_bytes().to_vec(), tables::run(number));
        }
        let packed = match self.history {
            History::Full => pack(all),
            History::Outcome => pack(&outcome(number, all, self.decoder)?),
        };
        for (first, packed) in packed {
            self.batch.put(tables::HISTORY, tables::pair(number.0, first.0), packed);
        }
        self.batch.put(tables::ENDED, tables::at(state.ended_at(), number), Vec::new());
        self.batch.put(tables::RUNS, tables::run(number), row.encode());
        Ok(())
    }

    fn delete(&mut self, number: RunNumber, before: &Before, state: &RunState, started: Lsn, last: &Record) {
        let row = self.row(state, started);
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
        records: &[Record],
        last_turn: &[Record],
    ) -> Result<(), Broken> {
        let put = |record: &&Record| record.kind == Kind::ArtifactPut as u8;
        let artifacts: Vec<Record> = records.iter().filter(put).cloned().collect();
        self.blobs(number, last_turn)?;
        self.blobs(number, &artifacts)?;
        let mut named = BTreeSet::new();
        for record in last_turn {
            let event = self.decoder.event(&record.stored(number)).map_err(|e| Broken::at(record.lsn, e))?;
            named.extend(event.blobs().map(|at| at.id));
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
    fn blobs(&mut self, number: RunNumber, records: &[Record]) -> Result<(), Broken> {
        for record in records {
            let event = self.decoder.event(&record.stored(number)).map_err(|e| Broken::at(record.lsn, e))?;
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

/// Of a run's records those that say how it began and ended; of a machine also its last state, which keeps nothing any more.
fn outcome(number: RunNumber, records: &[Record], decoder: &Decoder) -> Result<Vec<Record>, Broken> {
    let events: Vec<Event> = records
        .iter()
        .map(|record| decoder.event(&record.stored(number)).map_err(|e| Broken::at(record.lsn, e)))
        .collect::<Result<_, _>>()?;
    // One that was given up while it was undone has decided twice.
    let decided = events.iter().rposition(
        |event| matches!(event, Event::RollbackDecided { scope, .. } if *scope == Position::root(scope.visit())),
    );
    let mut outcome = Vec::new();
    for (at, (record, event)) in records.iter().zip(events).enumerate() {
        match event {
            Event::StateEntered { visit, state, value, reason, groups, .. } => {
                let entered = Event::StateEntered { visit, state, value, reason, groups, carried: Box::default() };
                let body = decoder.body(&record.stored(number), &entered).map_err(|e| Broken::at(record.lsn, e))?;
                outcome.push(Record { body, ..record.clone() });
            }
            _ if record.kind == Kind::RunStarted as u8 || ends(record) || decided == Some(at) => {
                outcome.push(record.clone());
            }
            _ => {}
        }
    }
    Ok(outcome)
}
