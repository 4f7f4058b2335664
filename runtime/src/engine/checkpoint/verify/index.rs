//! The rows by which runs are found, from both sides.

use super::run::has_ended;
use super::{Pages, Verifier, tables};
use crate::engine::checkpoint::row::{RunRow, Tomb};
use crate::id::{RunId, RunNumber};
use crate::run::RunState;

impl Verifier<'_> {
    /// Every row by which this run is to be found is there.
    pub(super) async fn indexed(&mut self, number: RunNumber, row: &RunRow, state: Option<&RunState>) {
        let key = tables::run(number);
        let id = row.id.as_str().as_bytes().to_vec();
        if self.get(tables::IDS, &id).await.as_ref() != Some(&key) {
            self.row(tables::IDS, &id, format!("run {}, which has this id", number.0), "another, or none");
        }
        if self.get(tables::TOMBS, &id).await.is_some() {
            self.row(tables::TOMBS, &id, format!("none, as run {} has this id", number.0), "a tombstone");
        }
        if has_ended(row.status) {
            if let Some(state) = state {
                let ended = tables::at(state.ended_at(), number);
                self.wants(tables::ENDED, ended, "a run that has ended").await;
            }
            return;
        }
        let from = "a run in flight";
        self.wants(tables::FLIGHT, tables::flight(&row.workflow, row.version, number), from).await;
        let Some(sleep) = &row.sleep else {
            return self.wants(tables::AWAKE, key, "a run that is to be in memory").await;
        };
        if let Some(wake_at) = sleep.wake_at {
            self.wants(tables::TIMERS, tables::at(wake_at, number), "a run that sleeps").await;
        }
        for (kind, step) in &sleep.needs {
            self.wants(tables::NEEDS, tables::need(*kind, step, number), "a run that sleeps").await;
        }
    }

    /// Every row by which a run is found finds one, and the tombstones.
    pub(super) async fn index(&mut self) {
        for table in [tables::AWAKE, tables::FLIGHT, tables::TIMERS, tables::NEEDS, tables::ENDED, tables::HISTORY] {
            let mut pages = Pages::of(table);
            while let Some(page) = self.next(&mut pages).await {
                for (key, _) in page {
                    self.finds(table, &key).await;
                }
            }
        }
        let mut pages = Pages::of(tables::IDS);
        while let Some(page) = self.next(&mut pages).await {
            for (id, number) in page {
                let row = match tables::only_number(&number) {
                    Some(number) => self.row_of(RunNumber(number)).await,
                    None => None,
                };
                if row.is_none_or(|row| row.id.as_str().as_bytes() != id) {
                    self.row(tables::IDS, &id, "the number of a run with this id".to_owned(), super::hex(&number));
                }
            }
        }
        self.tombs().await;
    }

    /// The row of a run, if there is one that can be read.
    async fn row_of(&mut self, number: RunNumber) -> Option<RunRow> {
        let row = self.get(tables::RUNS, &tables::run(number)).await?;
        RunRow::decode(&row).ok()
    }

    /// The run that a key of the index is about has a row that says so.
    async fn finds(&mut self, table: &'static str, key: &[u8]) {
        let number = if table == tables::HISTORY { tables::first_number(key) } else { tables::last_number(key) };
        let Some(number) = number.map(RunNumber) else {
            return self.row(table, key, "a key with the number of a run".to_owned(), "none");
        };
        let Some(row) = self.row_of(number).await else {
            return self.row(table, key, format!("a row of run {}", number.0), "none");
        };
        let sleep = row.sleep.as_ref();
        let agrees = match table {
            tables::AWAKE => !has_ended(row.status) && sleep.is_none() && key == tables::run(number),
            tables::FLIGHT => !has_ended(row.status) && key == tables::flight(&row.workflow, row.version, number),
            tables::TIMERS => sleep.and_then(|sleep| sleep.wake_at).is_some_and(|at| key == tables::at(at, number)),
            tables::NEEDS => sleep
                .is_some_and(|sleep| sleep.needs.iter().any(|(kind, step)| key == tables::need(*kind, step, number))),
            tables::ENDED => has_ended(row.status) && key == tables::at(row.updated_at, number),
            _ => has_ended(row.status),
        };
        if !agrees {
            self.row(table, key, format!("what the row of run {} says", number.0), "something else");
        }
    }

    async fn tombs(&mut self) {
        let mut pages = Pages::of(tables::TOMBS);
        while let Some(page) = self.next(&mut pages).await {
            for (id, tomb) in page {
                let text = String::from_utf8_lossy(&id).into_owned();
                match Tomb::decode(&tomb) {
                    Ok(tomb) => {
                        let at = tables::tomb_time(tomb.deleted_at, &RunId::from(text));
                        self.wants(tables::TOMB_TIMES, at, "the tombstone").await;
                    }
                    Err(error) => self.row(tables::TOMBS, &id, "a tombstone".to_owned(), error),
                }
            }
        }
        let mut pages = Pages::of(tables::TOMB_TIMES);
        while let Some(page) = self.next(&mut pages).await {
            for (key, _) in page {
                let tomb = match key.get(8..) {
                    Some(id) => self.get(tables::TOMBS, id).await,
                    None => None,
                };
                let at = tomb.and_then(|tomb| Tomb::decode(&tomb).ok()).map(|tomb| tomb.deleted_at);
                if at.is_none() || at != tables::first_time(&key) {
                    self.row(tables::TOMB_TIMES, &key, "a tombstone of this id and time".to_owned(), "none");
                }
            }
        }
    }
}
