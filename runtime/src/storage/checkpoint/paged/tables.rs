//! What is stored in redb, and how.
//!
//! The journals of all runs are one table, keyed by run and sequence. A named table of the engine's is a table of
//! redb's whose name starts with `t/`. One more holds the applied LSN.

use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{
    Database, Durability, Key, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError,
    TableHandle, Value, WriteTransaction,
};

use super::live::Trouble;
use crate::id::Lsn;
use crate::storage::checkpoint::{Batch, CheckpointError, JournalRow, KeyRange, Op, TableRow};

const JOURNALS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("journals");
const LSN: TableDefinition<'_, (), u64> = TableDefinition::new("applied_lsn");

type Journals<'a> = Table<'a, (u64, u64), &'static [u8]>;
type Rows<'a> = Table<'a, &'static [u8], &'static [u8]>;

/// How the names of the engine's tables begin in redb.
const NAMED: &str = "t/";

fn name(table: &str) -> String {
    format!("{NAMED}{table}")
}

fn named(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// Does what a batch says, and sets the applied LSN if there is one.
pub(super) fn write(database: &Database, batch: &Batch, lsn: Option<Lsn>) -> Result<(), Trouble> {
    batch.check().map_err(Trouble::Refused)?;
    let write = durable_write(database)?;
    if let Some(lsn) = lsn {
        advance(&write, lsn)?;
    }
    perform(&write, batch)?;
    write.commit()?;
    Ok(())
}

/// A transaction whose commit is synced, pages before header, and leaves nothing to repair.
fn durable_write(database: &Database) -> Result<WriteTransaction, Trouble> {
    let mut write = database.begin_write()?;
    write.set_durability(Durability::Immediate)?;
    write.set_two_phase_commit(true);
    write.set_quick_repair(true);
    Ok(write)
}

fn advance(write: &WriteTransaction, lsn: Lsn) -> Result<(), Trouble> {
    let mut table = write.open_table(LSN)?;
    let applied = Lsn(table.get(())?.map_or(0, |lsn| lsn.value()));
    if lsn < applied {
        return Err(Trouble::Refused(CheckpointError::Stale { applied, lsn }));
    }
    table.insert((), lsn.0)?;
    Ok(())
}

/// Does what a batch says, a table at a time and in the order of the keys: what is done to one key or one journal
/// stays in its order, and the order of others changes nothing. Rows behind all that a table has are added in one go.
fn perform(write: &WriteTransaction, batch: &Batch) -> Result<(), Trouble> {
    let mut journals = Vec::new();
    let mut tables: BTreeMap<&str, Vec<Change<'_>>> = BTreeMap::new();
    for op in batch.ops() {
        match op {
            Op::Append { run, sequence, row } => journals.push(Entry { run: *run, row: Some((*sequence, row)) }),
            Op::Clear { run } => journals.push(Entry { run: *run, row: None }),
            Op::Put { table, key, value } => tables.entry(table).or_default().push((key, Some(value))),
            Op::Remove { table, key } => tables.entry(table).or_default().push((key, None)),
        }
    }
    perform_journals(write.open_table(JOURNALS)?, journals)?;
    for (table, changes) in tables {
        perform_table(write.open_table(named(&name(table)))?, changes)?;
    }
    Ok(())
}

/// A key and its new value, or none if it goes.
type Change<'b> = (&'b [u8], Option<&'b [u8]>);

/// A row that is added to a journal, with its sequence, or none if the journal is cleared.
struct Entry<'b> {
    run: u64,
    row: Option<(u64, &'b [u8])>,
}

fn perform_table(mut table: Rows<'_>, mut changes: Vec<Change<'_>>) -> Result<(), Trouble> {
    changes.sort_by_key(|(key, _)| *key);
    let behind = match table.last()? {
        Some((last, _)) => changes.partition_point(|(key, _)| *key <= last.value()),
        None => 0,
    };
    let (within, behind) = changes.split_at(behind);
    for (key, value) in last_of_each(within) {
        match value {
            Some(value) => drop(table.insert(key, value)?),
            None => drop(table.remove(key)?),
        }
    }
    // What is not there need not be removed.
    let mut puts = last_of_each(behind).filter_map(|(key, value)| Some((key, value?))).peekable();
    if puts.peek().is_some() {
        let mut end = table.upper_bound_mut(Bound::<&[u8]>::Unbounded)?;
        for (key, value) in puts {
            end.insert_before(key, value)?;
        }
        end.close()?;
    }
    Ok(())
}

/// Of changes in the order of their keys those after which no other changes the same key.
fn last_of_each<'c, 'b>(changes: &'c [Change<'b>]) -> impl Iterator<Item = Change<'b>> + use<'c, 'b> {
    changes.chunk_by(|(one, _), (other, _)| one == other).filter_map(|same| same.last().copied())
}

fn perform_journals(mut journals: Journals<'_>, mut entries: Vec<Entry<'_>>) -> Result<(), Trouble> {
    entries.sort_by_key(|entry| entry.run);
    // The longest end of it in which nothing is cleared and the rows ascend.
    let falls = entries.windows(2).rposition(|two| two[1].at() <= two[0].at()).map_or(0, |at| at + 1);
    let cleared = entries.iter().rposition(|entry| entry.row.is_none()).map_or(0, |at| at + 1);
    let (first, rising) = entries.split_at(falls.max(cleared));
    first.iter().try_for_each(|entry| add_or_clear(&mut journals, entry))?;
    let behind = match journals.last()? {
        Some((last, _)) => rising.partition_point(|entry| entry.at() <= last.value()),
        None => 0,
    };
    let (within, behind) = rising.split_at(behind);
    within.iter().try_for_each(|entry| add_or_clear(&mut journals, entry))?;
    if !behind.is_empty() {
        let mut end = journals.upper_bound_mut(Bound::<(u64, u64)>::Unbounded)?;
        for entry in behind {
            if let Some((sequence, row)) = entry.row {
                end.insert_before((entry.run, sequence), row)?;
            }
        }
        end.close()?;
    }
    Ok(())
}

fn add_or_clear(journals: &mut Journals<'_>, entry: &Entry<'_>) -> Result<(), Trouble> {
    let run = entry.run;
    match entry.row {
        Some((sequence, row)) => {
            if journals.insert((run, sequence), row)?.is_some() {
                return Err(Trouble::Refused(CheckpointError::DuplicateSequence { run, sequence }));
            }
        }
        None => journals.retain_in((run, 0)..=(run, u64::MAX), |_, _| false)?,
    }
    Ok(())
}

impl Entry<'_> {
    /// The row's key; that of a journal's first one for what clears it.
    fn at(&self) -> (u64, u64) {
        (self.run, self.row.map_or(0, |(sequence, _)| sequence))
    }
}

/// A table that nothing was ever put into is none.
fn there<T>(opened: Result<T, TableError>) -> Result<Option<T>, Trouble> {
    match opened {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn begin(database: &Database) -> Result<ReadTransaction, Trouble> {
    Ok(database.begin_read()?)
}

pub(super) fn load_run(database: &Database, run: u64) -> Result<Vec<JournalRow>, Trouble> {
    let Some(journals) = there(begin(database)?.open_table(JOURNALS))? else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for row in journals.range((run, 0)..=(run, u64::MAX))? {
        let (key, row) = row?;
        rows.push(JournalRow { sequence: key.value().1, row: row.value().to_vec() });
    }
    Ok(rows)
}

pub(super) fn applied_lsn(database: &Database) -> Result<Lsn, Trouble> {
    let table = there(begin(database)?.open_table(LSN))?;
    let lsn = table.map(|table| table.get(())).transpose()?.flatten();
    Ok(Lsn(lsn.map_or(0, |lsn| lsn.value())))
}

pub(super) fn get(database: &Database, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Trouble> {
    let table = there(begin(database)?.open_table(named(&name(table))))?;
    let value = table.map(|table| table.get(key)).transpose()?.flatten();
    Ok(value.map(|value| value.value().to_vec()))
}

pub(super) fn scan(database: &Database, table: &str, range: &KeyRange, limit: usize) -> Result<Vec<TableRow>, Trouble> {
    let table = there(begin(database)?.open_table(named(&name(table))))?;
    let Some(table) = table.filter(|_| !range.is_empty()) else {
        return Ok(Vec::new());
    };
    let mut found = table.range::<&[u8]>(range.ends())?;
    let mut rows = Vec::new();
    while rows.len() < limit {
        let Some(row) = (if range.descending { found.next_back() } else { found.next() }) else {
            break;
        };
        let (key, value) = row?;
        rows.push((key.value().to_vec(), value.value().to_vec()));
    }
    Ok(rows)
}

/// Copies everything into an empty database, each table in the order of its keys and all in one transaction, which
/// leaves pages that are full, one behind the other.
pub(super) fn copy(from: &Database, to: &Database) -> Result<(), Trouble> {
    let read = begin(from)?;
    let write = durable_write(to)?;
    copy_table(&read, &write, LSN)?;
    copy_table(&read, &write, JOURNALS)?;
    for table in read.list_tables()?.filter(|table| table.name().starts_with(NAMED)) {
        copy_table(&read, &write, named(table.name()))?;
    }
    write.commit()?;
    Ok(())
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    read: &ReadTransaction,
    write: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<(), Trouble> {
    let Some(from) = there(read.open_table(table))? else { return Ok(()) };
    let mut to = write.open_table(table)?;
    for row in from.iter()? {
        let (key, value) = row?;
        to.insert(key.value(), value.value())?;
    }
    Ok(())
}
