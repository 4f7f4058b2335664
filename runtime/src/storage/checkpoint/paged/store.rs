//! The store as the engine sees it: opens redb, and opens it again when something ended it.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use redb::Database;
use uuid::Uuid;

use super::live::{Live, Trouble};
use super::session::Place;
use super::tables;
use crate::id::Lsn;
use crate::platform::{BoxFuture, Fs};
use crate::storage::checkpoint::{Batch, CheckpointError, CheckpointStore, JournalRow, KeyRange, Op, TableRow};

/// The checkpoint store that an engine uses if it is given no other: redb in a file of the data directory.
///
/// Its calls do their work, and may block on the disk, inside the first poll of the future. Reads go on while a batch is
/// applied. Full disks and failed writes end the database, and the next call opens it again; after a failed sync every
/// call is [`CheckpointError::Poisoned`].
#[derive(Clone)]
pub struct RedbCheckpoint(Arc<Store>);

struct Store {
    place: Place,
    cache_bytes: usize,
    /// `None` after something ended it.
    live: RwLock<Option<Arc<Live>>>,
    /// Whether it was closed for good. Held while a call is at work.
    closed: RwLock<bool>,
    /// Nothing is written while a copy is made that takes the file's place.
    writing: Mutex<()>,
}

impl RedbCheckpoint {
    /// Opens the store in the file `path`, which is made if it is not there. Blocks.
    ///
    /// # Errors
    /// Every named fault of the file, and IO.
    pub(crate) fn open(fs: Arc<dyn Fs>, path: &Path, uuid: Uuid, cache_bytes: usize) -> Result<Self, CheckpointError> {
        let place = Place { fs, path: path.to_owned(), uuid, poison: Arc::new(OnceLock::new()) };
        let live = Live::open(&place, cache_bytes)?;
        Ok(RedbCheckpoint(Arc::new(Store {
            place,
            cache_bytes,
            live: RwLock::new(Some(Arc::new(live))),
            closed: RwLock::new(false),
            writing: Mutex::new(()),
        })))
    }

    /// Closes the file, after the calls that are at work: nothing touches it any more, and every later call is an
    /// error. One that is not to be closed well, as something else has failed, is left as a crash would. Blocks.
    ///
    /// # Errors
    /// When the last writes or their syncs fail.
    pub(crate) fn close(&self, well: bool) -> Result<(), CheckpointError> {
        *self.0.closed.write().unwrap_or_else(PoisonError::into_inner) = true;
        let live = self.0.live.write().unwrap_or_else(PoisonError::into_inner).take();
        match live.map(|live| (live.leave_unless(well), Arc::into_inner(live))) {
            Some((true, Some(live))) => live.close(),
            // What redb would write as it goes finds the file gone.
            _ => Ok(()),
        }
    }

    fn read<T>(&self, work: impl FnOnce(&Database) -> Result<T, Trouble>) -> Result<T, CheckpointError> {
        self.0.with(|live| live.work(work))
    }

    fn write(&self, batch: &Batch, lsn: Option<Lsn>) -> Result<(), CheckpointError> {
        let _alone = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.with(|live| live.commit(|database| tables::write(database, batch, lsn)))
    }
}

impl Store {
    fn with<T>(&self, work: impl FnOnce(&Live) -> Result<T, CheckpointError>) -> Result<T, CheckpointError> {
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Err(is_closed());
        }
        self.with_live(work).map(|(done, _)| done)
    }

    /// As [`with`](Self::with), for a caller that holds it open; with the database that was worked on.
    fn with_live<T>(
        &self,
        work: impl FnOnce(&Live) -> Result<T, CheckpointError>,
    ) -> Result<(T, Arc<Live>), CheckpointError> {
        let live = self.live()?;
        let done = work(&live);
        if live.fault().is_some() {
            let mut current = self.live.write().unwrap_or_else(PoisonError::into_inner);
            if current.take_if(|current| Arc::ptr_eq(current, &live)).is_some() {
                live.give_back();
            }
        }
        done.map(|done| (done, live))
    }

    /// Puts a copy with full pages in the file's place. Reads go on, of the old one until the new one is there.
    fn compact(&self) -> Result<(), CheckpointError> {
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Err(is_closed());
        }
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let ((), old) = self.with_live(|live| live.copy(&self.place, self.cache_bytes))?;
        let mut current = self.live.write().unwrap_or_else(PoisonError::into_inner);
        Live::give_name(&self.place)?;
        // Whoever reads the old one may end that; nobody writes it.
        old.replaced();
        *current = None;
        *current = Some(Arc::new(Live::open(&self.place, self.cache_bytes)?));
        drop(current);
        drop(old);
        Ok(())
    }

    /// The open database; it is opened if it is not.
    fn live(&self) -> Result<Arc<Live>, CheckpointError> {
        self.poison()?;
        if let Some(live) = &*self.live.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(live.clone());
        }
        let mut current = self.live.write().unwrap_or_else(PoisonError::into_inner);
        self.poison()?;
        match &*current {
            Some(live) => Ok(live.clone()),
            None => Ok(current.insert(Arc::new(Live::open(&self.place, self.cache_bytes)?)).clone()),
        }
    }

    fn poison(&self) -> Result<(), CheckpointError> {
        self.place.poison.get().cloned().map_or(Ok(()), Err)
    }
}

fn is_closed() -> CheckpointError {
    CheckpointError::other("the checkpoint is closed")
}

impl fmt::Debug for RedbCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedbCheckpoint").field(&self.0.place.path).finish()
    }
}

impl CheckpointStore for RedbCheckpoint {
    fn append<'a>(&'a self, run: u64, sequence: u64, row: &'a [u8]) -> BoxFuture<'a, Result<(), CheckpointError>> {
        Box::pin(async move { self.write(&Batch::from_iter([Op::Append { run, sequence, row: row.to_vec() }]), None) })
    }

    fn load_run(&self, run: u64) -> BoxFuture<'_, Result<Vec<JournalRow>, CheckpointError>> {
        Box::pin(async move { self.read(|database| tables::load_run(database, run)) })
    }

    fn clear(&self, run: u64) -> BoxFuture<'_, Result<(), CheckpointError>> {
        Box::pin(async move { self.write(&Batch::from_iter([Op::Clear { run }]), None) })
    }

    fn apply(&self, batch: Batch, lsn: Lsn) -> BoxFuture<'_, Result<(), CheckpointError>> {
        Box::pin(async move { self.write(&batch, Some(lsn)) })
    }

    fn applied_lsn(&self) -> BoxFuture<'_, Result<Lsn, CheckpointError>> {
        Box::pin(async move { self.read(tables::applied_lsn) })
    }

    fn get<'a>(&'a self, table: &'a str, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, CheckpointError>> {
        Box::pin(async move { self.read(|database| tables::get(database, table, key)) })
    }

    fn scan<'a>(
        &'a self,
        table: &'a str,
        range: KeyRange,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<TableRow>, CheckpointError>> {
        Box::pin(async move { self.read(|database| tables::scan(database, table, &range, limit)) })
    }

    /// Reads go on meanwhile; calls that write wait. The copy needs as much room as what is in the store.
    fn compact(&self) -> BoxFuture<'_, Result<(), CheckpointError>> {
        Box::pin(async move { self.0.compact() })
    }
}
