//! Rows that are encrypted: of those tables whose values hold what users have said.
//!
//! A store that looks like another one, whose rows it encrypts and decrypts. What must always hold: records go through
//! as they are, since their bodies are encrypted already; keys stay plain, so that rows can be found.

use std::sync::Arc;

use super::tables;
use crate::id::Lsn;
use crate::platform::BoxFuture;
use crate::storage::checkpoint::{Batch, CheckpointError, CheckpointStore, JournalRow, KeyRange, Op, TableRow};
use crate::storage::{Cipher, CryptError, Of};

/// The first byte of a row that is encrypted: where the others have a version.
const ENCRYPTED: u8 = 0x80;

/// The tables whose values are encrypted.
const TABLES: [&str; 2] = [tables::RUNS, tables::TOMBS];

/// The store as its rows mean.
pub(crate) fn plain(stored: &Arc<dyn CheckpointStore>, cipher: &Cipher) -> Arc<dyn CheckpointStore> {
    match cipher.is_on() {
        true => Arc::new(Plain { stored: stored.clone(), cipher: cipher.clone() }),
        false => stored.clone(),
    }
}

/// What a row says is encrypted in it; none if it is plain.
pub(super) fn encrypted<'r>(table: &str, row: &'r [u8]) -> Option<&'r [u8]> {
    let rest = row.strip_prefix(&[ENCRYPTED])?;
    TABLES.contains(&table).then_some(rest)
}

#[derive(Debug)]
struct Plain {
    stored: Arc<dyn CheckpointStore>,
    cipher: Cipher,
}

impl Plain {
    fn encrypt(&self, table: &str, key: &[u8], value: &[u8]) -> Result<Vec<u8>, CryptError> {
        let mut row = vec![ENCRYPTED];
        for nonce in self.cipher.nonces(1)? {
            self.cipher.encrypt(nonce, &Of::Row { table, key }, &mut row, |row| row.extend_from_slice(value))?;
        }
        Ok(row)
    }

    fn decrypt(&self, table: &str, key: &[u8], row: Vec<u8>) -> Result<Vec<u8>, CheckpointError> {
        let plain = match encrypted(table, &row) {
            Some(row) => self.cipher.decrypt(&Of::Row { table, key }, row),
            None if TABLES.contains(&table) => self.cipher.may_be_plain().map(|()| row),
            None => Ok(row),
        };
        plain.map_err(|error| unreadable(table, error))
    }
}

fn unreadable(table: &str, error: CryptError) -> CheckpointError {
    CheckpointError::other(format!("a row of table `{table}` of the checkpoint cannot be had: {error}"))
}

impl CheckpointStore for Plain {
    fn append<'a>(&'a self, run: u64, sequence: u64, row: &'a [u8]) -> BoxFuture<'a, Result<(), CheckpointError>> {
        self.stored.append(run, sequence, row)
    }

    fn load_run(&self, run: u64) -> BoxFuture<'_, Result<Vec<JournalRow>, CheckpointError>> {
        self.stored.load_run(run)
    }

    fn clear(&self, run: u64) -> BoxFuture<'_, Result<(), CheckpointError>> {
        self.stored.clear(run)
    }

    fn apply(&self, batch: Batch, lsn: Lsn) -> BoxFuture<'_, Result<(), CheckpointError>> {
        let encrypted = batch.into_ops().into_iter().map(|op| match op {
            Op::Put { table, key, value } if TABLES.contains(&&*table) => {
                let value = self.encrypt(&table, &key, &value).map_err(|error| unreadable(&table, error))?;
                Ok(Op::Put { table, key, value })
            }
            other => Ok(other),
        });
        match encrypted.collect::<Result<Batch, CheckpointError>>() {
            Ok(batch) => self.stored.apply(batch, lsn),
            Err(error) => Box::pin(async move { Err(error) }),
        }
    }

    fn applied_lsn(&self) -> BoxFuture<'_, Result<Lsn, CheckpointError>> {
        self.stored.applied_lsn()
    }

    fn get<'a>(&'a self, table: &'a str, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, CheckpointError>> {
        Box::pin(async move {
            let row = self.stored.get(table, key).await?;
            row.map(|row| self.decrypt(table, key, row)).transpose()
        })
    }

    fn scan<'a>(
        &'a self,
        table: &'a str,
        range: KeyRange,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<TableRow>, CheckpointError>> {
        Box::pin(async move {
            let rows = self.stored.scan(table, range, limit).await?;
            let plain = rows.into_iter().map(|(key, row)| {
                let row = self.decrypt(table, &key, row)?;
                Ok((key, row))
            });
            plain.collect()
        })
    }

    fn compact(&self) -> BoxFuture<'_, Result<(), CheckpointError>> {
        self.stored.compact()
    }
}
