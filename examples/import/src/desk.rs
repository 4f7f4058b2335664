//! What the steps can reach: the table, and a counter of the pages of this
//! process, which ends it by SIGKILL when that was asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::page::{Batch, PageError};
use crate::table::{Put, Table};

/// The machine's app.
#[derive(Debug, Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    /// Opened when it is first needed: steps run only where the engine owns the data directory.
    table: Mutex<Option<Table>>,
    synced: bool,
    kill: Option<Kill>,
    pages: AtomicU64,
    again: AtomicU64,
}

/// When the process kills itself: a try of a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// After so many pages of this process, in the next one.
    pub after: u64,
    /// At which moment of it.
    pub at: Moment,
}

/// A bad moment for a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Moment {
    /// Half of the page is written.
    Half,
    /// All of it is in the table, and the run does not know yet.
    Whole,
}

impl Desk {
    /// Over the table in `dir`, which is made when there is something to put into it.
    #[must_use]
    pub fn new(dir: &Path, kill: Option<Kill>) -> Desk {
        Desk::over(dir, kill, true)
    }

    /// Over a table that survives a crash of the process, and none of the machine.
    #[must_use]
    pub fn unsynced(dir: &Path) -> Desk {
        Desk::over(dir, None, false)
    }

    fn over(dir: &Path, kill: Option<Kill>, synced: bool) -> Desk {
        let (dir, table) = (dir.to_owned(), Mutex::new(None));
        Desk { inner: Arc::new(Inner { dir, table, synced, kill, pages: AtomicU64::new(0), again: AtomicU64::new(0) }) }
    }

    /// Where the table is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Through which line of the input the table is filled.
    pub(crate) fn lines(&self) -> Result<u64, PageError> {
        self.inner.with(|table| Ok(table.lines()))
    }

    /// The pages that were in the table already when this process came to write them.
    #[must_use]
    pub fn again(&self) -> u64 {
        self.inner.again.load(Relaxed)
    }

    /// Puts the page of the lines behind `before` through `last` into the table, once.
    pub(crate) fn put(&self, before: u64, last: u64, batch: &Batch) -> Result<(), PageError> {
        let inner = &self.inner;
        if inner.with(|table| table.put(before, last, batch, || inner.passes(Moment::Half)))? == Put::Again {
            inner.again.fetch_add(1, Relaxed);
        }
        inner.passes(Moment::Whole);
        inner.pages.fetch_add(1, Relaxed);
        Ok(())
    }
}

impl Inner {
    fn with<T>(&self, work: impl FnOnce(&mut Table) -> io::Result<T>) -> Result<T, PageError> {
        // A panic has left the table as it was before the batch.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match table.take() {
            Some(open) => Ok(open),
            None => Table::open(&self.dir, self.synced),
        };
        let done = opened.and_then(|open| work(table.insert(open)));
        done.map_err(|error| PageError::table(&self.dir, &error))
    }

    /// SIGKILL, if this is the moment: nothing is flushed, no destructor runs, nobody is told.
    fn passes(&self, moment: Moment) {
        if self.kill.is_some_and(|kill| kill.at == moment && self.pages.load(Relaxed) >= kill.after) {
            let me = rustix::process::getpid();
            // Cannot fail: the process is its own. If it did, the page would just be written.
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        }
    }
}
