//! A store that is looked at: what redb writes meanwhile stays in memory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::overlay::Overlay;
use super::store::RedbCheckpoint;
use crate::platform::{File, Fs, LockGuard, Open};
use crate::storage::checkpoint::CheckpointError;

impl RedbCheckpoint {
    /// Opens the store in the file `path` as a copy in memory of what is changed: the file stays as it is. Blocks.
    ///
    /// # Errors
    /// As [`open`](Self::open); also when there is no such file.
    pub(crate) fn look(
        fs: &Arc<dyn Fs>,
        path: &Path,
        uuid: Uuid,
        cache_bytes: usize,
    ) -> Result<RedbCheckpoint, CheckpointError> {
        RedbCheckpoint::open(Arc::new(Untouched(fs.clone())), path, uuid, cache_bytes)
    }
}

/// A file system whose files can be written without being changed, and whose names cannot.
#[derive(Debug)]
struct Untouched(Arc<dyn Fs>);

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Fs for Untouched {
    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.read_dir(path)
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        match how {
            Open::Read => self.0.open(path, how),
            Open::Edit => Ok(Arc::new(Overlay::over(self.0.open(path, Open::Read)?)?)),
            Open::CreateNew => refused(),
        }
    }

    fn available(&self, path: &Path) -> io::Result<u64> {
        self.0.available(path)
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>> {
        self.0.lock(path)
    }
}
