//! Which keys something in a data directory is encrypted with.
//!
//! Everything that is encrypted names its key: no key is needed to tell.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::load::{each, each_of};
use super::record::{Record, unpack};
use super::row::decode_blob;
use super::{rows, tables};
use crate::id::Lsn;
use crate::platform::Fs;
use crate::storage::checkpoint::{CheckpointStore, KeyRange};
use crate::storage::crypt::key_of;
use crate::storage::{KeyId, StorageError, VerifiedLog, arena, verify_log};

/// How many rows of history, which are large, are read at once.
const PAGE: usize = 32;

/// How much in a data directory is encrypted with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInUse {
    /// The key's name.
    pub key: KeyId,
    /// Records, in the log and in the checkpoint; one that is in both counts twice.
    pub records: u64,
    /// Other rows of the checkpoint.
    pub rows: u64,
    /// Blobs that rows of the checkpoint name.
    pub blobs: u64,
    /// One thing of those, in words.
    pub example: String,
}

/// What is encrypted with which key.
#[derive(Debug, Default)]
pub(crate) struct Used(BTreeMap<KeyId, KeyInUse>);

impl Used {
    fn count(&mut self, bytes: &[u8], example: impl FnOnce() -> String, count: impl FnOnce(&mut KeyInUse)) {
        // What names no key is told of by whoever reads it.
        if let Ok(key) = key_of(bytes) {
            self.add(key, example, count);
        }
    }

    fn add(&mut self, key: KeyId, example: impl FnOnce() -> String, count: impl FnOnce(&mut KeyInUse)) {
        let fresh = |key| KeyInUse { key, records: 0, rows: 0, blobs: 0, example: example() };
        count(self.0.entry(key.clone()).or_insert_with(|| fresh(key)));
    }

    fn record(&mut self, run: u64, record: &Record) {
        if record.encrypted {
            let example = || format!("LSN {}, of run {run}, in the checkpoint", record.lsn);
            self.count(&record.body, example, |key| key.records += 1);
        }
    }

    /// What is encrypted with a key, if anything is.
    pub(crate) fn with(&self, key: &KeyId) -> Option<&KeyInUse> {
        self.0.get(key)
    }

    pub(crate) fn into_keys(self) -> Vec<KeyInUse> {
        self.0.into_values().collect()
    }
}

/// Looks at everything in a data directory that may be encrypted: its log, the store's rows as they stand there, and
/// the blobs that those name. Blocks.
///
/// # Errors
/// When rows cannot be read. What is damaged otherwise is not counted.
pub(crate) async fn used(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    stored: &dyn CheckpointStore,
    applied: Lsn,
) -> Result<Used, StorageError> {
    let mut used = Used::default();
    let _: VerifiedLog = verify_log(fs.clone(), dir, applied, &mut |lsn, record| {
        if record.is_encrypted() {
            used.count(record.body, || format!("LSN {lsn}, in the log"), |key| key.records += 1);
        }
    });
    let mut flights = Vec::new();
    each(stored, tables::FLIGHT, KeyRange::all(), |key, _| flights.extend(tables::last_number(key))).await?;
    for run in flights {
        for row in stored.load_run(run).await? {
            Record::from_row(row.sequence, &row.row).iter().for_each(|record| used.record(run, record));
        }
    }
    each_of(stored, tables::HISTORY, KeyRange::all(), PAGE, |key, row| {
        let run = tables::first_number(key).unwrap_or(0);
        unpack(row).iter().flatten().for_each(|record| used.record(run, record));
    })
    .await?;
    for table in [tables::RUNS, tables::TOMBS] {
        each(stored, table, KeyRange::all(), |_, row| {
            if let Some(row) = rows::encrypted(table, row) {
                used.count(row, || format!("a row of table `{table}` of the checkpoint"), |key| key.rows += 1);
            }
        })
        .await?;
    }
    each(stored, tables::BLOBS, KeyRange::all(), |key, row| {
        let at = decode_blob(tables::first_number(key).unwrap_or(0), row).ok().filter(|at| at.encrypted);
        if let Some((at, key)) = at.and_then(|at| Some((at, arena::key_of_blob(fs, dir, &at).ok()?))) {
            used.add(key, || format!("blob {}", at.id), |key| key.blobs += 1);
        }
    })
    .await?;
    Ok(used)
}
