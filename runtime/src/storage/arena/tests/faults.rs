//! A file system that fails, waits and tells on command.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::platform::{File, Fs, LockGuard, Map, Open};

/// How long a test waits for what must come before it fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What changes the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Create,
    Allocate,
    Write,
    Sync,
    Rename,
    SyncDir,
    Remove,
}

/// What is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    /// The `n`th operation from now, counted from 0, and all after it.
    From(u64),
    /// The next of a kind, once, with this error.
    Next(Kind, io::ErrorKind),
}

#[derive(Debug, Default)]
struct Control {
    ops: Vec<(Kind, PathBuf)>,
    broken: Option<Break>,
    /// These say that they have done what they have not.
    lie: Option<Kind>,
    /// Files whose syncs wait.
    held: HashSet<PathBuf>,
    waiting: usize,
}

#[derive(Debug, Default)]
struct Gate {
    control: Mutex<Control>,
    changed: Condvar,
}

/// Whether an operation is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Do,
    Skip,
}

#[derive(Debug)]
pub(super) struct FaultyFs {
    fs: Arc<dyn Fs>,
    gate: Arc<Gate>,
}

impl FaultyFs {
    pub(super) fn over(fs: Arc<dyn Fs>) -> FaultyFs {
        FaultyFs { fs, gate: Arc::default() }
    }

    /// What was done since this was last called.
    pub(super) fn ops(&self) -> Vec<(Kind, PathBuf)> {
        std::mem::take(&mut self.gate.control.lock().unwrap().ops)
    }

    /// How often a kind of operation was done since `ops` was last called.
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.gate.control.lock().unwrap().ops.iter().filter(|(done, _)| *done == kind).count()
    }

    pub(super) fn fail(&self, what: impl Into<Option<Break>>) {
        self.gate.control.lock().unwrap().broken = what.into();
    }

    /// From now on all of a kind say that they have done what they have not.
    pub(super) fn lie(&self, kind: impl Into<Option<Kind>>) {
        self.gate.control.lock().unwrap().lie = kind.into();
    }

    /// Whether what was to fail once has not yet.
    pub(super) fn is_broken(&self) -> bool {
        self.gate.control.lock().unwrap().broken.is_some()
    }

    /// From now on the syncs of a file wait.
    pub(super) fn hold_syncs(&self, file: &Path) {
        self.gate.control.lock().unwrap().held.insert(file.to_owned());
    }

    /// Waits until a sync waits.
    pub(super) fn until_held(&self) {
        let control = self.gate.control.lock().unwrap();
        let (control, wait) =
            self.gate.changed.wait_timeout_while(control, PATIENCE, |control| control.waiting == 0).unwrap();
        assert!(!wait.timed_out(), "nothing is synced: {:?}", control.ops);
    }

    pub(super) fn release_syncs(&self) {
        self.gate.control.lock().unwrap().held.clear();
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn pass(&self, kind: Kind, path: &Path) -> io::Result<Pass> {
        let mut control = self.control.lock().unwrap();
        control.ops.push((kind, path.to_owned()));
        if kind == Kind::Sync && control.held.contains(path) {
            control.waiting += 1;
            self.changed.notify_all();
            control = self.changed.wait_while(control, |control| control.held.contains(path)).unwrap();
            control.waiting -= 1;
        }
        match control.broken {
            Some(Break::From(0)) => return Err(io::Error::other("failed on command")),
            Some(Break::From(n)) => control.broken = Some(Break::From(n - 1)),
            Some(Break::Next(which, error)) if which == kind => {
                control.broken = None;
                return Err(error.into());
            }
            _ => {}
        }
        Ok(if control.lie == Some(kind) { Pass::Skip } else { Pass::Do })
    }

    fn run(&self, kind: Kind, path: &Path, op: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.pass(kind, path)? {
            Pass::Do => op(),
            Pass::Skip => Ok(()),
        }
    }
}

impl Fs for FaultyFs {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.fs.create_dir_all(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.fs.read_dir(path)
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        if how == Open::CreateNew {
            self.gate.pass(Kind::Create, path)?;
        }
        let file = self.fs.open(path, how)?;
        // A segment is called by its name also while it is in the making.
        let path = path.with_extension("arena");
        Ok(Arc::new(FaultyFile { file, path, gate: self.gate.clone() }))
    }

    fn available(&self, path: &Path) -> io::Result<u64> {
        self.fs.available(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.gate.run(Kind::Rename, to, || self.fs.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.gate.run(Kind::Remove, path, || self.fs.remove(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.gate.run(Kind::SyncDir, path, || self.fs.sync_dir(path))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>> {
        self.fs.lock(path)
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Arc<dyn File>,
    path: PathBuf,
    gate: Arc<Gate>,
}

impl File for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.gate.run(Kind::Write, &self.path, || self.file.write_all_at(buf, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.gate.run(Kind::Allocate, &self.path, || self.file.set_len(len))
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.gate.run(Kind::Allocate, &self.path, || self.file.allocate(len))
    }

    fn map(&self, len: u64) -> io::Result<Arc<dyn Map>> {
        self.file.map(len)
    }

    fn maps_show_writes(&self) -> bool {
        self.file.maps_show_writes()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.run(Kind::Sync, &self.path, || self.file.sync_data())
    }
}
