//! Runs come back: from their rows to their state.

use super::record::{Record, unpack};
use super::row::{RunRow, Tomb, decode_blob};
use super::task::{Checkpointer, broken};
use super::{Broken, fold, tables};
use crate::codec::{ArtifactId, BlobAt, Digest};
use crate::engine::Error;
use crate::id::{Lsn, RunNumber};
use crate::journal::Decoder;
use crate::record::UndoKind;
use crate::run::RunState;
use crate::storage::StorageError;
use crate::storage::checkpoint::{CheckpointError, CheckpointStore, KeyRange};

/// How many rows are read at once.
const PAGE: usize = 1024;

/// What the checkpoint knows of an id.
pub(crate) enum Found {
    /// A run.
    Run(RunNumber),
    /// A run that was forgotten.
    Tomb(Tomb),
    /// Nothing.
    Nothing,
}

/// A run, added up from its rows.
pub(crate) struct Loaded {
    pub(crate) state: RunState,
    pub(crate) started: Lsn,
    pub(crate) last: Lsn,
}

/// The runs that were in memory, and the last number that was given.
pub(crate) async fn awake(store: &dyn CheckpointStore) -> Result<(Vec<RunNumber>, u64), StorageError> {
    let mut awake = Vec::new();
    each(store, tables::AWAKE, KeyRange::all(), |key, _| awake.extend(tables::last_number(key).map(RunNumber))).await?;
    let last = store.get(tables::META, tables::LAST_RUN).await?;
    Ok((awake, last.as_deref().and_then(tables::last_number).unwrap_or(0)))
}

/// The blobs that rows name.
pub(crate) async fn blobs(store: &dyn CheckpointStore) -> Result<Vec<BlobAt>, StorageError> {
    let (mut blobs, mut fault) = (Vec::new(), None);
    each(store, tables::BLOBS, KeyRange::all(), |key, row| {
        match decode_blob(tables::first_number(key).unwrap_or(0), row) {
            Ok(at) => blobs.push(at),
            Err(error) => fault = Some(error),
        }
    })
    .await?;
    fault.map_or(Ok(blobs), |fault| Err(broken(fault)))
}

/// The artifacts that rows know, each with its blob.
pub(crate) async fn artifacts(store: &dyn CheckpointStore) -> Result<Vec<(ArtifactId, u64)>, StorageError> {
    let (mut artifacts, mut fault) = (Vec::new(), None);
    each(store, tables::ARTIFACTS, KeyRange::all(), |key, blob| match (key.try_into(), tables::last_number(blob)) {
        (Ok(digest), Some(blob)) => artifacts.push((ArtifactId(Digest(digest)), blob)),
        _ => fault = Some(Broken::new("an artifact", "it has no blob")),
    })
    .await?;
    fault.map_or(Ok(artifacts), |fault| Err(broken(fault)))
}

/// The runs that have rows and have not ended.
pub(crate) async fn in_flight(store: &dyn CheckpointStore) -> Result<Vec<RunNumber>, StorageError> {
    let mut numbers = Vec::new();
    each(store, tables::FLIGHT, KeyRange::all(), |key, _| numbers.extend(tables::last_number(key).map(RunNumber)))
        .await?;
    Ok(numbers)
}

/// The state of a run after these records.
pub(crate) fn added_up(number: RunNumber, records: &[Record], decoder: &Decoder) -> Result<RunState, StorageError> {
    fold::state(number, records, decoder).map_err(broken)
}

/// Adds a run up; `None` when it is not known (any more).
pub(crate) async fn load(
    store: &dyn CheckpointStore,
    decoder: &Decoder,
    number: RunNumber,
) -> Result<Option<Loaded>, StorageError> {
    let Some(records) = records(store, number).await? else { return Ok(None) };
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(None) };
    let state = fold::state(number, &records, decoder).map_err(broken)?;
    Ok(Some(Loaded { state, started: first.lsn, last: last.lsn }))
}

/// A run's records that are applied, in order.
pub(crate) async fn records(
    store: &dyn CheckpointStore,
    number: RunNumber,
) -> Result<Option<Vec<Record>>, CheckpointError> {
    let records = journal(store, number).await?;
    // A run that ends in this moment leaves one place for the other, in one step.
    if records.is_empty() { history(store, number).await } else { Ok(Some(records)) }
}

/// The records of a run in flight.
pub(super) async fn journal(store: &dyn CheckpointStore, number: RunNumber) -> Result<Vec<Record>, CheckpointError> {
    let rows = store.load_run(number.0).await?;
    rows.iter().map(|row| Record::from_row(row.sequence, &row.row).map_err(CheckpointError::other)).collect()
}

/// The records of a run that has ended.
pub(super) async fn history(
    store: &dyn CheckpointStore,
    number: RunNumber,
) -> Result<Option<Vec<Record>>, CheckpointError> {
    let rows = store.scan(tables::HISTORY, KeyRange::prefix(tables::run(number)), usize::MAX).await?;
    let mut records = Vec::new();
    for (_, row) in &rows {
        records.extend(unpack(row).map_err(CheckpointError::other)?);
    }
    Ok((!rows.is_empty()).then_some(records))
}

/// Visits the rows of a table, page by page.
pub(super) async fn each(
    store: &dyn CheckpointStore,
    table: &str,
    range: KeyRange,
    visit: impl FnMut(&[u8], &[u8]) + Send,
) -> Result<(), StorageError> {
    each_of(store, table, range, PAGE, visit).await
}

/// As [`each`], so many rows at once.
pub(super) async fn each_of(
    store: &dyn CheckpointStore,
    table: &str,
    mut range: KeyRange,
    rows: usize,
    mut visit: impl FnMut(&[u8], &[u8]) + Send,
) -> Result<(), StorageError> {
    loop {
        let page = store.scan(table, range.clone(), rows).await?;
        page.iter().for_each(|(key, row)| visit(key, row));
        match page.last() {
            Some((key, _)) if page.len() == rows => range = range.resume_after(key.clone()),
            _ => return Ok(()),
        }
    }
}

impl Checkpointer {
    /// Looks an id up.
    pub(crate) async fn find(&self, id: &str) -> Result<Found, Error> {
        if let Some(number) = self.store.get(tables::IDS, id.as_bytes()).await.map_err(StorageError::from)? {
            let number =
                tables::last_number(&number).ok_or_else(|| broken(Broken::new("an id", "it has no number")))?;
            return Ok(Found::Run(RunNumber(number)));
        }
        match self.store.get(tables::TOMBS, id.as_bytes()).await.map_err(StorageError::from)? {
            Some(tomb) => Ok(Found::Tomb(Tomb::decode(&tomb).map_err(broken)?)),
            None => Ok(Found::Nothing),
        }
    }

    /// Adds a run up; `None` when it is not known (any more).
    pub(crate) async fn load(&self, number: RunNumber) -> Result<Option<Loaded>, Error> {
        Ok(load(&*self.store, &self.decoder, number).await?)
    }

    /// The runs that were started after one, in the order of their starts, at most so many.
    pub(crate) async fn rows_after(
        &self,
        number: RunNumber,
        limit: usize,
    ) -> Result<Vec<(RunNumber, RunRow)>, StorageError> {
        let rows = self.store.scan(tables::RUNS, KeyRange::after(tables::run(number)), limit).await?;
        let rows = rows.into_iter().map(|(key, row)| {
            let number =
                tables::last_number(&key).ok_or_else(|| Broken::new("the key of a run", "it has no number"))?;
            Ok((RunNumber(number), RunRow::decode(&row)?))
        });
        rows.collect::<Result<_, Broken>>().map_err(broken)
    }

    /// The runs in flight of the workflows that somebody wants, by name and version.
    pub(crate) async fn in_flight(
        &self,
        wanted: impl Fn(&str, u32) -> bool + Send + Sync,
    ) -> Result<Vec<((String, u32), Vec<(RunNumber, RunRow)>)>, StorageError> {
        let name = |prefix: &[u8]| {
            let (name, version) = prefix.split_at_checked(prefix.len().checked_sub(9)?)?;
            let version = u32::try_from(tables::last_number(version)?).ok()?;
            Some((String::from_utf8(name.to_vec()).ok()?, version))
        };
        self.named(tables::FLIGHT, name, |(name, version)| wanted(name, *version)).await
    }

    /// The undos that sleeping runs need and somebody wants, by step.
    pub(crate) async fn needed(
        &self,
        wanted: impl Fn(&str, UndoKind) -> bool + Send + Sync,
    ) -> Result<Vec<(String, Vec<(RunNumber, RunRow)>)>, StorageError> {
        let name = |prefix: &[u8]| {
            let (kind, step) = prefix.split_first()?;
            Some((String::from_utf8(step.strip_suffix(&[0])?.to_vec()).ok()?, UndoKind::from_number(*kind)?))
        };
        let found = self.named(tables::NEEDS, name, |(step, kind)| wanted(step, *kind)).await?;
        Ok(found.into_iter().map(|((step, _), runs)| (step, runs)).collect())
    }

    /// Of the names that lead the keys of a table, those that somebody wants, each with its runs. The runs of a
    /// name that nobody wants are not read.
    async fn named<N: Send>(
        &self,
        table: &str,
        name: impl Fn(&[u8]) -> Option<N> + Send + Sync,
        wanted: impl Fn(&N) -> bool + Send + Sync,
    ) -> Result<Vec<(N, Vec<(RunNumber, RunRow)>)>, StorageError> {
        let mut found = Vec::new();
        let mut range = KeyRange::all();
        while let Some((key, _)) = self.store.scan(table, range, 1).await?.pop() {
            let prefix = key[..key.len().saturating_sub(8)].to_vec();
            let named = name(&prefix).ok_or_else(|| broken(Broken::new("a key", "it has no name")))?;
            if wanted(&named) {
                let mut runs = Vec::new();
                for (key, _) in self.store.scan(table, KeyRange::prefix(prefix.clone()), usize::MAX).await? {
                    let number = RunNumber(tables::last_number(&key).unwrap_or(0));
                    runs.extend(self.row(number).await?.map(|row| (number, row)));
                }
                found.push((named, runs));
            }
            range = KeyRange::after([prefix, u64::MAX.to_be_bytes().to_vec()].concat());
        }
        Ok(found)
    }
}
