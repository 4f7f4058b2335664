//! File operations that know, when they fail, what they did and to which path.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::platform::{File, Fs, LockGuard, Map, Open};

/// An operation that the operating system refused.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) operation: &'static str,
    pub(super) path: PathBuf,
    pub(super) source: Arc<io::Error>,
}

impl Failure {
    pub(super) fn new(operation: &'static str, path: &Path, source: io::Error) -> Failure {
        Failure { operation, path: path.to_owned(), source: Arc::new(source) }
    }

    /// Whether there was only no space.
    pub(super) fn is_full(&self) -> bool {
        is_full(&self.source)
    }
}

/// Whether an error says that there is no space.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The file system.
#[derive(Debug, Clone)]
pub(super) struct Disk(Arc<dyn Fs>);

impl Disk {
    pub(super) fn new(fs: Arc<dyn Fs>) -> Disk {
        Disk(fs)
    }

    pub(super) fn create_dir_all(&self, path: &Path) -> Result<(), Failure> {
        self.0.create_dir_all(path).map_err(|e| Failure::new("create the directory", path, e))
    }

    /// The paths of a directory's entries, sorted; `None` when there is no such directory.
    pub(super) fn list(&self, path: &Path) -> Result<Option<Vec<PathBuf>>, Failure> {
        match self.0.read_dir(path) {
            Ok(mut paths) => {
                paths.sort();
                Ok(Some(paths))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Failure::new("list", path, e)),
        }
    }

    /// Opens a file for reading.
    pub(super) fn open(&self, path: &Path) -> Result<DiskFile, Failure> {
        let file = self.0.open(path, Open::Read).map_err(|e| Failure::new("open", path, e))?;
        Ok(DiskFile { file, path: path.to_owned() })
    }

    /// Opens a file for reading and writing; `None` when there is no such file.
    pub(super) fn edit_if_there(&self, path: &Path) -> Result<Option<DiskFile>, Failure> {
        match self.0.open(path, Open::Edit) {
            Ok(file) => Ok(Some(DiskFile { file, path: path.to_owned() })),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Failure::new("open", path, e)),
        }
    }

    /// Opens a file for reading and writing.
    pub(super) fn edit(&self, path: &Path) -> Result<DiskFile, Failure> {
        let file = self.0.open(path, Open::Edit).map_err(|e| Failure::new("open for writing", path, e))?;
        Ok(DiskFile { file, path: path.to_owned() })
    }

    /// Creates a file that must not exist.
    pub(super) fn create(&self, path: &Path) -> Result<DiskFile, Failure> {
        let file = self.0.open(path, Open::CreateNew).map_err(|e| Failure::new("create", path, e))?;
        Ok(DiskFile { file, path: path.to_owned() })
    }

    /// Renames a file, and the handle with it, over whatever has the new name.
    pub(super) fn rename(&self, file: &mut DiskFile, to: PathBuf) -> Result<(), Failure> {
        self.0.rename(&file.path, &to).map_err(|e| Failure::new("rename", &file.path, e))?;
        file.path = to;
        Ok(())
    }

    pub(super) fn remove(&self, path: &Path) -> Result<(), Failure> {
        self.0.remove(path).map_err(|e| Failure::new("remove", path, e))
    }

    pub(super) fn sync_dir(&self, path: &Path) -> Result<(), Failure> {
        self.0.sync_dir(path).map_err(|e| Failure::new("sync the directory", path, e))
    }

    /// Bytes that can still be written; nothing if the file system does not tell.
    pub(super) fn available(&self, path: &Path) -> Option<u64> {
        self.0.available(path).ok()
    }

    pub(super) fn lock(&self, path: &Path) -> Result<Option<LockGuard>, Failure> {
        self.0.lock(path).map_err(|e| Failure::new("lock", path, e))
    }
}

/// An open file and its path.
pub(super) struct DiskFile {
    file: Arc<dyn File>,
    path: PathBuf,
}

impl DiskFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn len(&self) -> Result<u64, Failure> {
        self.file.len().map_err(|e| Failure::new("read the length of", &self.path, e))
    }

    /// Reads at `offset`; fewer bytes than `buf` has only at the end of the file.
    pub(super) fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, Failure> {
        self.file.read_at(buf, offset).map_err(|e| Failure::new("read", &self.path, e))
    }

    pub(super) fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<(), Failure> {
        self.file.write_all_at(buf, offset).map_err(|e| Failure::new("write", &self.path, e))
    }

    /// Takes the space of the first `len` bytes.
    pub(super) fn allocate(&self, len: u64) -> Result<(), Failure> {
        self.file.allocate(len).map_err(|e| Failure::new("allocate space for", &self.path, e))
    }

    pub(super) fn set_len(&self, len: u64) -> Result<(), Failure> {
        self.file.set_len(len).map_err(|e| Failure::new("set the length of", &self.path, e))
    }

    /// A read-only view of the first `len` bytes, which are there.
    pub(super) fn map(&self, len: u64) -> Result<Arc<dyn Map>, Failure> {
        self.file.map(len).map_err(|e| Failure::new("map", &self.path, e))
    }

    /// Whether a view shows what is written after it was made.
    pub(super) fn maps_show_writes(&self) -> bool {
        self.file.maps_show_writes()
    }

    pub(super) fn sync_data(&self) -> Result<(), Failure> {
        self.file.sync_data().map_err(|e| Failure::new("sync", &self.path, e))
    }
}

impl fmt::Debug for DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DiskFile").field(&self.path).finish()
    }
}
