//! The table: what is imported, in a directory of three files.
//!
//! `orders.jsonl` has the rows, `rejects.jsonl` the lines that are none, and
//! `committed.json` says how much of both counts, and through which line of the
//! input. What must hold: `committed.json` is replaced as a whole, and last, so a
//! batch is there or it is not; what stands behind it in the others is cut off by
//! the next batch. A database has a transaction for that, and a row for this.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::page::Batch;

/// The file of the rows.
pub const ORDERS: &str = "orders.jsonl";
/// The file of the lines that are no orders.
pub const REJECTS: &str = "rejects.jsonl";
const COMMITTED: &str = "committed.json";

/// How much of the files counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Committed {
    /// Lines of the input.
    lines: u64,
    /// Bytes of the rows.
    orders: u64,
    /// Bytes of the rejects.
    rejects: u64,
}

/// A table, open for the one who writes it.
#[derive(Debug)]
pub(crate) struct Table {
    dir: PathBuf,
    orders: File,
    rejects: File,
    committed: Committed,
    /// Whether what is written survives a power cut.
    synced: bool,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is there now.
    New,
    /// It was there already: an attempt before this one has put it.
    Again,
}

impl Table {
    /// Opens the table in `dir`, which is made if need be.
    pub(crate) fn open(dir: &Path, synced: bool) -> io::Result<Table> {
        fs::create_dir_all(dir)?;
        let open = |name| OpenOptions::new().write(true).create(true).truncate(false).open(dir.join(name));
        let committed = match fs::read(dir.join(COMMITTED)) {
            Ok(json) => serde_json::from_slice(&json)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Committed::default(),
            Err(error) => return Err(error),
        };
        Ok(Table { dir: dir.to_owned(), orders: open(ORDERS)?, rejects: open(REJECTS)?, committed, synced })
    }

    /// Through which line of the input it is filled.
    pub(crate) fn lines(&self) -> u64 {
        self.committed.lines
    }

    /// Puts the batch that begins behind line `before` of the input and ends with line `last`.
    /// `halfway` is called when half of it is written.
    pub(crate) fn put(&mut self, before: u64, last: u64, batch: &Batch, halfway: impl FnOnce()) -> io::Result<Put> {
        let Committed { lines, orders, rejects } = self.committed;
        if lines == last {
            return Ok(Put::Again);
        }
        if lines != before {
            let other = format!("it is filled through line {lines}, and the page begins behind line {before}");
            return Err(io::Error::other(other));
        }
        cut(&self.rejects, REJECTS, rejects)?;
        cut(&self.orders, ORDERS, orders)?;
        let (first, second) = batch.rows.split_at(batch.rows.len() / 2);
        self.rejects.write_all_at(&batch.rejects, rejects)?;
        self.orders.write_all_at(first, orders)?;
        halfway();
        self.orders.write_all_at(second, orders + first.len() as u64)?;
        self.sync(&self.rejects)?;
        self.sync(&self.orders)?;
        let (orders, rejects) = (orders + batch.rows.len() as u64, rejects + batch.rejects.len() as u64);
        self.commit(Committed { lines: last, orders, rejects })?;
        Ok(Put::New)
    }

    /// The batch counts from here on.
    fn commit(&mut self, committed: Committed) -> io::Result<()> {
        let next = self.dir.join("committed.next");
        let mut file = File::create(&next)?;
        file.write_all(&serde_json::to_vec(&committed)?)?;
        self.sync(&file)?;
        fs::rename(next, self.dir.join(COMMITTED))?;
        self.sync(&File::open(&self.dir)?)?;
        self.committed = committed;
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if self.synced { file.sync_all() } else { Ok(()) }
    }
}

/// Takes away what a crash left behind the `bytes` that count.
fn cut(file: &File, name: &str, bytes: u64) -> io::Result<()> {
    let there = file.metadata()?.len();
    if there < bytes {
        let lost = format!("{there} bytes are left of the {bytes} of `{name}`: bring them back");
        return Err(io::Error::other(lost));
    }
    file.set_len(bytes)
}
