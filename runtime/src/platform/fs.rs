//! Files, as the storage floor needs them.
//!
//! The methods are the system calls whose durability semantics the formats
//! rely on; there is no buffering between a call and the operating system.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How [`Fs::open`] opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    Edit,
    /// A file for reading and writing that must not exist yet.
    CreateNew,
}

/// A file system.
pub(crate) trait Fs: Send + Sync + fmt::Debug {
    /// Creates a directory and its parents; one that exists is no error.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// The paths of a directory's entries, in no order.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
    /// Opens a file.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>>;
    /// Bytes that can still be written to the file system of `path`, as far as it tells.
    fn available(&self, path: &Path) -> io::Result<u64>;
    /// Renames a file over whatever has the new name. Durable once the directory is synced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Unlinks a file. Durable once the directory is synced.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes the exclusive lock of a file, which is created if need be;
    /// `None` when somebody else holds it. Never waits, never truncates.
    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>>;
}

/// An open file, addressed by offset. Shared between threads.
pub(crate) trait File: Send + Sync + fmt::Debug {
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;
    /// Reads at an offset; fewer bytes than asked for only at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `buf` at an offset.
    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the file `len` bytes long; bytes that it gains are zero.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// `fallocate`: makes the file at least `len` bytes long and has the space for all of them, so that a write
    /// below `len` cannot hit a full disk; bytes that it gains are zero.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// A read-only view of the first `len` bytes, which are there.
    ///
    /// Whoever takes a slice of the view sees to it that nobody writes those bytes or shortens the file as long as
    /// the slice lives.
    fn map(&self, len: u64) -> io::Result<Arc<dyn Map>>;
    /// Whether a view shows what is written to the file after it was made. If not, it is made again.
    fn maps_show_writes(&self) -> bool {
        false
    }
    /// `fdatasync`: the contents, and the length if it changed, are durable when it returns.
    fn sync_data(&self) -> io::Result<()>;
}

/// A read-only view of a file.
pub(crate) trait Map: Send + Sync + fmt::Debug {
    /// Some of the bytes, in place; `None` when they do not all lie in the view.
    fn bytes(&self, offset: u64, len: usize) -> Option<&[u8]>;
}

/// Holds a lock until it is dropped.
pub(crate) struct LockGuard(#[expect(dead_code, reason = "held for its Drop")] Box<dyn std::any::Any + Send + Sync>);

impl LockGuard {
    /// A guard that releases by dropping `held`.
    pub(crate) fn new(held: impl std::any::Any + Send + Sync) -> Self {
        LockGuard(Box::new(held))
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockGuard")
    }
}
