//! The disk as a process sees it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};

use super::Disk;
use super::names::{self, NodeId, clean, parent};
use super::op::{Op, name};
use super::state::{State, check};
use crate::platform::{File, Fs, LockGuard, Map, Open};

impl Disk {
    /// The disk and the process that asks.
    fn enter(&self) -> io::Result<(MutexGuard<'_, State>, u64)> {
        let state = self.state();
        let process = self.bound.unwrap_or(state.process);
        state.alive(process)?;
        if state.denied {
            return Err(rustix::io::Errno::ACCESS.into());
        }
        Ok((state, process))
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn dir_of(state: &State, path: &Path) -> io::Result<PathBuf> {
    let dir = parent(path);
    if state.tree.shown.dirs.contains(&dir) { Ok(dir) } else { Err(not_found()) }
}

impl Fs for Disk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let (mut state, _) = self.enter()?;
        let path = clean(path);
        let missing: Vec<&Path> = path.ancestors().take_while(|dir| !state.tree.shown.dirs.contains(*dir)).collect();
        if missing.iter().any(|dir| state.tree.shown.files.contains_key(*dir)) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let number = state.operations;
        for dir in missing.into_iter().rev() {
            state.tree.change(number, names::What::MakeDir(dir.to_owned()));
        }
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let (state, _) = self.enter()?;
        let (path, shown) = (clean(path), &state.tree.shown);
        if !shown.dirs.contains(&path) {
            let is_file = shown.files.contains_key(&path);
            return Err(if is_file { io::ErrorKind::NotADirectory.into() } else { not_found() });
        }
        let names = shown.dirs.iter().chain(shown.files.keys());
        Ok(names.filter(|name| name.parent() == Some(&path)).cloned().collect())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let (mut state, process) = self.enter()?;
        let path = clean(path);
        let there = state.tree.shown.files.get(&path).copied();
        let id = match (how, there) {
            (Open::Read | Open::Edit, Some(id)) => id,
            (Open::Read | Open::Edit, None) => return Err(not_found()),
            (Open::CreateNew, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Open::CreateNew, None) => {
                dir_of(&state, &path)?;
                check(state.pass(process, Op::Create(name(&path)))?)?;
                let id = state.make(path.clone());
                let number = state.operations;
                state.tree.change(number, names::What::Link(path, id));
                id
            }
        };
        let handle = state.node(id)?.handle.clone();
        Ok(Arc::new(SimFile { disk: self.clone(), id, process, writable: how != Open::Read, _handle: handle }))
    }

    fn available(&self, _: &Path) -> io::Result<u64> {
        Ok(self.enter()?.0.room())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut state, process) = self.enter()?;
        let (from, to) = (clean(from), clean(to));
        let id = *state.tree.shown.files.get(&from).ok_or_else(not_found)?;
        if dir_of(&state, &to)? != parent(&from) {
            let text = "the simulated disk renames within a directory only";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        check(state.pass(process, Op::Rename(name(&from), name(&to)))?)?;
        let number = state.operations;
        state.node(id)?.path.clone_from(&to);
        state.tree.change(number, names::What::Rename(from, to, id));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (mut state, process) = self.enter()?;
        let path = clean(path);
        if !state.tree.shown.files.contains_key(&path) {
            return Err(not_found());
        }
        check(state.pass(process, Op::Remove(name(&path)))?)?;
        let number = state.operations;
        state.tree.change(number, names::What::Unlink(path));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let (mut state, process) = self.enter()?;
        let path = clean(path);
        if !state.tree.shown.dirs.contains(&path) {
            return Err(not_found());
        }
        let op = Op::SyncDir(name(&path));
        let fault = state.pass(process, op.clone())?;
        if state.lies(&op) {
            return Ok(());
        }
        state.sync_dir(&path, fault)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>> {
        let (mut state, process) = self.enter()?;
        let path = clean(path);
        dir_of(&state, &path)?;
        if !state.tree.shown.files.contains_key(&path) {
            // Not told: what is in the file does not matter, nor whether it is there.
            let (id, number) = (state.make(path.clone()), state.operations);
            state.tree.change(number, names::What::Link(path.clone(), id));
        }
        if !state.locked.insert(path.clone()) {
            return Ok(None);
        }
        Ok(Some(LockGuard::new(Locked { disk: self.clone(), process, path })))
    }
}

struct Locked {
    disk: Disk,
    process: u64,
    path: PathBuf,
}

impl Drop for Locked {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.process == self.process {
            state.locked.remove(&self.path);
        }
    }
}

/// A file that a process has open.
struct SimFile {
    disk: Disk,
    id: NodeId,
    process: u64,
    writable: bool,
    /// As long as it is there, the file is kept though it may have no name.
    _handle: Arc<()>,
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimFile").field(&self.id).finish()
    }
}

impl SimFile {
    fn enter(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        state.alive(self.process)?;
        Ok(state)
    }

    fn enter_to_write(&self) -> io::Result<MutexGuard<'_, State>> {
        if self.writable { self.enter() } else { Err(rustix::io::Errno::BADF.into()) }
    }
}

impl File for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.enter()?.node(self.id)?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.enter()?;
        let node = state.node(self.id)?;
        let rest = usize::try_from(offset).ok().and_then(|offset| node.shown.get(offset..)).unwrap_or_default();
        let read = rest.len().min(buf.len());
        buf[..read].copy_from_slice(&rest[..read]);
        let path = node.path.clone();
        state.faults.read(&path, offset, &mut buf[..read])?;
        Ok(read)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.enter_to_write()?;
        let op = Op::Write(state.name(self.id), offset);
        let fault = state.pass(self.process, op)?;
        state.write(self.id, offset, buf, fault)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.enter_to_write()?;
        let op = Op::SetLen(state.name(self.id), len);
        check(state.pass(self.process, op)?)?;
        state.set_len(self.id, len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.enter_to_write()?;
        let op = Op::Allocate(state.name(self.id), len);
        check(state.pass(self.process, op)?)?;
        state.allocate(self.id, len)
    }

    fn map(&self, len: u64) -> io::Result<Arc<dyn Map>> {
        let mut state = self.enter()?;
        let node = state.node(self.id)?;
        if len > node.len() {
            let text = format!("{len} bytes are to be mapped of {}", node.len());
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        let (mut bytes, path) = (node.shown.clone(), node.path.clone());
        if state.faults.concern_reads(&path) {
            let bytes: &mut Vec<u8> = Arc::make_mut(&mut bytes);
            state.faults.read(&path, 0, bytes)?;
        }
        Ok(Arc::new(SimMap { bytes, len: len as usize }))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.enter()?;
        let op = Op::Sync(state.name(self.id));
        let fault = state.pass(self.process, op.clone())?;
        let through = state.operations;
        let (mut state, fails) = self.disk.held(state, &op, self.process);
        state.alive(self.process)?;
        if state.lies(&op) {
            return Ok(());
        }
        state.sync(self.id, through, fails || fault.is_some())?;
        Ok(())
    }
}

/// What a file held when it was mapped.
#[derive(Debug)]
struct SimMap {
    bytes: Arc<Vec<u8>>,
    len: usize,
}

impl Map for SimMap {
    fn bytes(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let offset = usize::try_from(offset).ok()?;
        self.bytes[..self.len].get(offset..offset.checked_add(len)?)
    }
}
