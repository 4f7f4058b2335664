//! What is stored in redb, and how.
//!
//! The journals of all runs are one table, keyed by run and sequence. A named table of the engine's is a table of
//! redb's whose name starts with `t/`. One more holds the applied LSN.

use std::collections::HashMap;

use redb::{
    Database, Durability, Key, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError,
    TableHandle, Value, WriteTransaction,
};

use super::live::Trouble;
use crate::id::Lsn;
use crate::storage::checkpoint::{Batch, CheckpointError, JournalRow, KeyRange, Op, TableRow};

const JOURNALS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("journals");
const LSN: TableDefinition<'_, (), u64> = TableDefinition::new("applied_lsn");

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

fn perform(write: &WriteTransaction, batch: &Batch) -> Result<(), Trouble> {
    let mut journals = write.open_table(JOURNALS)?;
    let mut tables: HashMap<&str, Rows<'_>> = HashMap::new();
    for op in batch.ops() {
        match op {
            Op::Append { run, sequence, row } => {
                if journals.insert((*run, *sequence), row.as_slice())?.is_some() {
                    let (run, sequence) = (*run, *sequence);
                    return Err(Trouble::Refused(CheckpointError::DuplicateSequence { run, sequence }));
                }
            }
            Op::Clear { run } => journals.retain_in((*run, 0)..=(*run, u64::MAX), |_, _| false)?,
            Op::Put { table, key, value } => {
                open(write, &mut tables, table)?.insert(key.as_slice(), value.as_slice())?;
            }
            Op::Remove { table, key } => {
                open(write, &mut tables, table)?.remove(key.as_slice())?;
            }
        }
    }
    Ok(())
}

/// The table of a name, which is opened once in a batch.
fn open<'w, 't, 'b>(
    write: &'w WriteTransaction,
    tables: &'t mut HashMap<&'b str, Rows<'w>>,
    table: &'b str,
) -> Result<&'t mut Rows<'w>, Trouble> {
    use std::collections::hash_map::Entry;
    match tables.entry(table) {
        Entry::Occupied(there) => Ok(there.into_mut()),
        Entry::Vacant(place) => Ok(place.insert(write.open_table(named(&name(table)))?)),
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
