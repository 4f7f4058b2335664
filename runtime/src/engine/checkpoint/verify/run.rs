//! Every run: its row, its records, and what the index says of it.

use std::collections::BTreeMap;

use super::{Pages, Verifier, tables};
use crate::codec::BlobAt;
use crate::engine::checkpoint::Record;
use crate::engine::checkpoint::record::unpack;
use crate::engine::checkpoint::row::RunRow;
use crate::engine::status::Status;
use crate::id::{Lsn, RunNumber};
use crate::record::Kind;
use crate::run::RunState;

/// What the records of a run add up to.
struct Sum {
    state: Option<RunState>,
    last: Lsn,
    /// The blobs that they name, as they say them, each with a record that does.
    blobs: BTreeMap<u64, (BlobAt, Lsn)>,
    /// A record that does not follow was told.
    broken: bool,
}

impl Verifier<'_> {
    /// Every run that has a row, with what the log has of it behind the checkpoint.
    pub(super) async fn runs(&mut self) {
        let mut last = 0u64;
        let mut pages = Pages::of(tables::RUNS);
        while let Some(page) = self.next(&mut pages).await {
            for (key, row) in page {
                let Some(number) = tables::only_number(&key) else {
                    self.row(tables::RUNS, &key, "a number of 8 bytes as the key".to_owned(), key.len());
                    continue;
                };
                self.no_journals(last.saturating_add(1), number).await;
                last = number;
                match RunRow::decode(&row) {
                    Ok(row) => self.run(RunNumber(number), row).await,
                    Err(error) => self.row(tables::RUNS, &key, "a row of a run".to_owned(), error),
                }
            }
        }
        let highest = self.get(tables::META, tables::LAST_RUN).await.as_deref().and_then(tables::only_number);
        let highest = highest.unwrap_or(0);
        // Every run has a record.
        if highest < last || highest > self.applied.0 {
            let expected = format!("a number from {last}, that of the last run, to {}, the applied LSN", self.applied);
            self.row(tables::META, tables::LAST_RUN, expected, highest);
        }
        self.no_journals(last.saturating_add(1), highest.saturating_add(1)).await;
    }

    /// Runs that have no row have no journal either.
    async fn no_journals(&mut self, from: u64, to: u64) {
        // There are no more runs than records, whatever a row says.
        for number in from..to.min(self.applied.0.saturating_add(1)) {
            match self.store.load_run(number).await {
                Ok(rows) if rows.is_empty() => {}
                Ok(rows) => {
                    let key = tables::run(RunNumber(number));
                    self.row(
                        tables::RUNS,
                        &key,
                        format!("a row, as there is a journal of {} rows", rows.len()),
                        "none",
                    );
                }
                Err(error) => self.unreadable("journal", &error),
            }
        }
    }

    async fn run(&mut self, number: RunNumber, row: RunRow) {
        self.out.runs += 1;
        let (records, packed) = self.records(number).await;
        let key = tables::run(number);
        let ended = has_ended(row.status);
        if packed != ended {
            let expected = if packed { "the status of a run that has ended" } else { "that of a run in flight" };
            let expected = format!("{expected}, as its records are kept so");
            self.row(tables::RUNS, &key, expected, row.status);
        }
        let mut sum = Sum { state: None, last: Lsn(0), blobs: BTreeMap::new(), broken: false };
        for record in &records {
            self.add(number, &mut sum, record);
        }
        if let Some(record) = records.last().filter(|record| record.lsn > self.applied) {
            let expected = format!("no LSN above {}, up to which the log is applied", self.applied);
            self.record(record.lsn, number, &expected, "a row in the checkpoint");
        }
        match (&sum.state, records.first()) {
            (Some(state), Some(first)) => {
                let (row, wanted) = (said(&row, row.started), said_by(state, first.lsn, &row));
                if row != wanted {
                    self.row(tables::RUNS, &key, format!("{wanted}, as its records say"), row);
                }
            }
            _ if sum.broken => {}
            _ => self.row(tables::RUNS, &key, "records of the run".to_owned(), "none"),
        }
        self.indexed(number, &row, sum.state.as_ref()).await;
        self.named(number, &sum.blobs).await;
        if !packed && !sum.broken {
            self.names_all(number, &sum.blobs).await;
        }
        sum.blobs.clear();
        for record in self.tail.remove(&number).unwrap_or_default() {
            self.add(number, &mut sum, &record);
        }
        self.named_since(&sum.blobs);
    }

    /// Runs that have no row: the log has their start, or the last word on one that was forgotten.
    pub(super) async fn started_since(&mut self) {
        let mut ids: BTreeMap<String, RunNumber> = BTreeMap::new();
        for (number, records) in std::mem::take(&mut self.tail) {
            if records.iter().all(|record| record.kind == Kind::RunDeleted as u8) {
                // Recorded twice, with a crash in between.
                continue;
            }
            if self.unread && records.first().is_some_and(|first| first.kind != Kind::RunStarted as u8) {
                // Its row may be among those that could not be read.
                continue;
            }
            let mut sum = Sum { state: None, last: Lsn(0), blobs: BTreeMap::new(), broken: false };
            for record in &records {
                self.add(number, &mut sum, record);
            }
            self.named_since(&sum.blobs);
            let (Some(state), Some(first)) = (&sum.state, records.first()) else { continue };
            self.out.runs += 1;
            let id = state.start.id.as_str();
            let before = self.get(tables::IDS, id.as_bytes()).await.as_deref().and_then(tables::only_number);
            let before = before.map(RunNumber).or_else(|| ids.insert(id.to_owned(), number));
            if let Some(RunNumber(before)) = before {
                self.record(first.lsn, number, "an id that no other run has", format!("`{id}`, of run {before} too"));
            }
        }
    }

    /// The records that the checkpoint has of a run, and whether they are packed.
    async fn records(&mut self, number: RunNumber) -> (Vec<Record>, bool) {
        let key = tables::run(number);
        let mut journal = Vec::new();
        match self.store.load_run(number.0).await {
            Ok(rows) => {
                for row in rows {
                    match Record::from_row(row.sequence, &row.row) {
                        Ok(record) => journal.push(record),
                        Err(error) => self.record(Lsn(row.sequence), number, "a row of a journal", error),
                    }
                }
            }
            Err(error) => self.unreadable("journal", &error),
        }
        let mut packed = Vec::new();
        for (key, row) in self.all(Pages::prefix(tables::HISTORY, key.clone())).await {
            match unpack(&row) {
                Ok(records) => {
                    let first = records.first().map(|record| tables::pair(number.0, record.lsn.0));
                    if first.as_ref() != Some(&key) {
                        let expected = "the run's number and the first LSN in it as the key".to_owned();
                        self.row(tables::HISTORY, &key, expected, "another");
                    }
                    packed.extend(records);
                }
                Err(error) => self.row(tables::HISTORY, &key, "packed records".to_owned(), error),
            }
        }
        if !journal.is_empty() && !packed.is_empty() {
            self.row(tables::HISTORY, &key, "no rows, as the run has a journal".to_owned(), "some");
        }
        let is_packed = !packed.is_empty();
        packed.append(&mut journal);
        (packed, is_packed)
    }

    /// Adds a record up.
    fn add(&mut self, number: RunNumber, sum: &mut Sum, record: &Record) {
        self.out.records += 1;
        if record.lsn <= sum.last {
            self.record(record.lsn, number, &format!("an LSN above {}", sum.last), record.lsn);
        }
        sum.last = record.lsn;
        let event = match self.decoder.event(&record.stored(number)) {
            Ok(event) => event,
            Err(error) => {
                sum.broken = true;
                return self.record(record.lsn, number, "a record that this version knows", error);
            }
        };
        sum.blobs.extend(event.blobs().map(|at| (at.id, (at, record.lsn))));
        if sum.broken {
            return;
        }
        let added = match &mut sum.state {
            Some(state) => state.apply(record.time, &event),
            None => RunState::new(&event, record.time).map(|state| sum.state = Some(state)),
        };
        if let Err(illegal) = added {
            (sum.broken, sum.state) = (true, None);
            self.record(record.lsn, number, "a record that follows from those before it", illegal);
        }
    }
}

pub(super) fn has_ended(status: Status) -> bool {
    matches!(status, Status::Completed | Status::Failed | Status::Cancelled)
}

/// What a row says of a run, and its records say, too.
fn said(row: &RunRow, started: Lsn) -> String {
    let ended = has_ended(row.status).then_some((row.status, row.updated_at));
    text(row.id.as_str(), &row.workflow, row.version, started, row.started_at, ended)
}

/// The same by the records. What a run in flight was doing when its row was written nobody can tell any more.
fn said_by(state: &RunState, started: Lsn, row: &RunRow) -> String {
    let start = &state.start;
    let status = Status::of(&state.phase, false, false);
    let ended = (has_ended(status) || has_ended(row.status)).then_some((status, state.last));
    text(start.id.as_str(), &start.workflow, start.version, started, start.at, ended)
}

fn text(
    id: &str,
    workflow: &str,
    version: u32,
    started: Lsn,
    at: crate::time::Timestamp,
    ended: Option<(Status, crate::time::Timestamp)>,
) -> String {
    let end = ended.map_or("in flight".to_owned(), |(status, at)| format!("{status} at {}", at.to_rfc3339()));
    format!("run `{id}` of `{workflow}` version {version}, started with LSN {started} at {}, {end}", at.to_rfc3339())
}
