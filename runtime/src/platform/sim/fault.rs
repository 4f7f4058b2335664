//! A file system that fails on command, waits on command, and tells what it did.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use crate::platform::{File, Fs, LockGuard, Map, Open};

/// How long a test waits for what must come before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// One operation that changes the disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Create(String),
    /// A write at this offset.
    Write(String, u64),
    Sync(String),
    Rename(String, String),
    SyncDir(String),
    Remove(String),
}

impl Op {
    fn is_write(&self) -> bool {
        matches!(self, Op::Write(..))
    }

    fn is_sync(&self) -> bool {
        matches!(self, Op::Sync(_))
    }
}

/// What is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fail {
    Nothing,
    /// The `n`th operation from now, counted from 0, and all after it.
    From(u64),
    Writes,
    Syncs,
    /// No file grows beyond a block: the disk is as good as full.
    Growth,
}

#[derive(Debug)]
struct Control {
    ops: Vec<Op>,
    fail: Fail,
    /// Files whose syncs wait until the gate opens; how many wait now.
    held: HashSet<&'static str>,
    waiting: usize,
    fail_held: bool,
    /// The names of open files.
    open: Vec<Weak<Mutex<String>>>,
}

#[derive(Debug)]
struct Gate {
    control: Mutex<Control>,
    changed: Condvar,
}

#[derive(Debug)]
pub(crate) struct FaultFs {
    fs: Arc<dyn Fs>,
    gate: Arc<Gate>,
}

impl FaultFs {
    pub(crate) fn over(fs: Arc<dyn Fs>) -> FaultFs {
        let control = Control {
            ops: Vec::new(),
            fail: Fail::Nothing,
            held: HashSet::new(),
            waiting: 0,
            fail_held: false,
            open: Vec::new(),
        };
        FaultFs { fs, gate: Arc::new(Gate { control: Mutex::new(control), changed: Condvar::new() }) }
    }

    /// What was done since this was last called.
    pub(crate) fn ops(&self) -> Vec<Op> {
        std::mem::take(&mut self.gate.control.lock().unwrap().ops)
    }

    pub(crate) fn fail(&self, fail: Fail) {
        self.gate.control.lock().unwrap().fail = fail;
    }

    /// From now on the syncs of `.wal` files wait.
    pub(crate) fn hold_syncs(&self) {
        self.hold_syncs_of("wal");
    }

    /// From now on the syncs of files whose names end so wait.
    pub(crate) fn hold_syncs_of(&self, ending: &'static str) {
        self.gate.control.lock().unwrap().held.insert(ending);
    }

    /// Waits until a sync waits.
    pub(crate) fn until_held(&self) {
        let control = self.gate.control.lock().unwrap();
        let nobody = |control: &mut Control| control.waiting == 0;
        let (control, wait) = self.gate.changed.wait_timeout_while(control, PATIENCE, nobody).unwrap();
        assert!(!wait.timed_out(), "nothing is synced: {:?}", control.ops);
    }

    /// The sync that waits now will fail.
    pub(crate) fn fail_held(&self) {
        self.gate.control.lock().unwrap().fail_held = true;
    }

    pub(crate) fn release_syncs(&self) {
        self.gate.control.lock().unwrap().held.clear();
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn pass(&self, op: Op) -> io::Result<()> {
        let mut control = self.control.lock().unwrap();
        let mut fails = match &mut control.fail {
            Fail::Nothing => false,
            Fail::From(0) => true,
            Fail::From(n) => {
                *n -= 1;
                false
            }
            Fail::Writes => op.is_write(),
            Fail::Syncs => op.is_sync(),
            Fail::Growth => false,
        };
        let holds = matches!(&op, Op::Sync(name) if control.held.iter().any(|held| name.ends_with(held)));
        control.ops.push(op);
        if holds {
            control.waiting += 1;
            self.changed.notify_all();
            control = self.changed.wait_while(control, |control| !control.held.is_empty()).unwrap();
            control.waiting -= 1;
            fails |= std::mem::take(&mut control.fail_held);
        }
        drop(control);
        if fails { Err(io::Error::other("failed on command")) } else { Ok(()) }
    }
}

impl Gate {
    fn is_full(&self) -> bool {
        self.control.lock().unwrap().fail == Fail::Growth
    }
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Fs for FaultFs {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.fs.create_dir_all(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.fs.read_dir(path)
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        if how == Open::CreateNew {
            self.gate.pass(Op::Create(name(path)))?;
        }
        let file = self.fs.open(path, how)?;
        let name = Arc::new(Mutex::new(name(path)));
        self.gate.control.lock().unwrap().open.push(Arc::downgrade(&name));
        Ok(Arc::new(FaultFile { file, name, gate: self.gate.clone() }))
    }

    fn available(&self, path: &Path) -> io::Result<u64> {
        if self.gate.is_full() { Ok(0) } else { self.fs.available(path) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.gate.pass(Op::Rename(name(from), name(to)))?;
        self.fs.rename(from, to)?;
        let mut control = self.gate.control.lock().unwrap();
        control.open.retain(|open| open.strong_count() > 0);
        for open in control.open.iter().filter_map(Weak::upgrade) {
            let mut open = open.lock().unwrap();
            if *open == name(from) {
                *open = name(to);
            }
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.gate.pass(Op::Remove(name(path)))?;
        self.fs.remove(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.gate.pass(Op::SyncDir(name(path)))?;
        self.fs.sync_dir(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>> {
        self.fs.lock(path)
    }
}

/// Calls itself by its name, renamed or not.
#[derive(Debug)]
struct FaultFile {
    file: Arc<dyn File>,
    name: Arc<Mutex<String>>,
    gate: Arc<Gate>,
}

impl FaultFile {
    /// Fails if the disk is full and the file would be longer.
    fn grow(&self, len: u64) -> io::Result<()> {
        let full = self.gate.is_full() && len > self.file.len()?.max(4096);
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn name(&self) -> String {
        self.name.lock().unwrap().clone()
    }
}

impl File for FaultFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.gate.pass(Op::Write(self.name(), offset))?;
        self.grow(offset + buf.len() as u64)?;
        self.file.write_all_at(buf, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.gate.pass(Op::Write(self.name(), len))?;
        self.grow(len)?;
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.gate.pass(Op::Write(self.name(), len))?;
        self.grow(len)?;
        self.file.allocate(len)
    }

    fn map(&self, len: u64) -> io::Result<Arc<dyn Map>> {
        self.file.map(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.pass(Op::Sync(self.name()))?;
        self.file.sync_data()
    }
}
