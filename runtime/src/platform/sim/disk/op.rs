//! What is done to the disk, as it is told and counted.

use std::fmt;
use std::path::Path;

/// One operation that changes the disk, by the file's name without its directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// A file was created.
    Create(String),
    /// A write at this offset.
    Write(String, u64),
    /// A file was given this length.
    SetLen(String, u64),
    /// Space was allocated for a file of this length.
    Allocate(String, u64),
    /// The contents of a file were synced.
    Sync(String),
    /// A file was renamed.
    Rename(String, String),
    /// The names of a directory were synced.
    SyncDir(String),
    /// A file was unlinked.
    Remove(String),
}

/// The kinds of [`Op`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// [`Op::Create`]
    Create,
    /// [`Op::Write`]
    Write,
    /// [`Op::SetLen`]
    SetLen,
    /// [`Op::Allocate`]
    Allocate,
    /// [`Op::Sync`]
    Sync,
    /// [`Op::Rename`]
    Rename,
    /// [`Op::SyncDir`]
    SyncDir,
    /// [`Op::Remove`]
    Remove,
}

impl Op {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Op::Create(_) => Kind::Create,
            Op::Write(..) => Kind::Write,
            Op::SetLen(..) => Kind::SetLen,
            Op::Allocate(..) => Kind::Allocate,
            Op::Sync(_) => Kind::Sync,
            Op::Rename(..) => Kind::Rename,
            Op::SyncDir(_) => Kind::SyncDir,
            Op::Remove(_) => Kind::Remove,
        }
    }

    /// The name of the file or directory; of a rename, the new one.
    #[must_use]
    pub fn file(&self) -> &str {
        match self {
            Op::Create(name) | Op::Sync(name) | Op::SyncDir(name) | Op::Remove(name) => name,
            Op::Write(name, _) | Op::SetLen(name, _) | Op::Allocate(name, _) | Op::Rename(_, name) => name,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Create(name) => write!(f, "create {name}"),
            Op::Write(name, offset) => write!(f, "write {name} at {offset}"),
            Op::SetLen(name, len) => write!(f, "set the length of {name} to {len}"),
            Op::Allocate(name, len) => write!(f, "allocate {len} bytes for {name}"),
            Op::Sync(name) => write!(f, "sync {name}"),
            Op::Rename(from, to) => write!(f, "rename {from} to {to}"),
            Op::SyncDir(name) => write!(f, "sync the directory {name}"),
            Op::Remove(name) => write!(f, "remove {name}"),
        }
    }
}

/// The last part of a path, as an [`Op`] has it.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
