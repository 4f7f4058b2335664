//! A disk in memory that forgets at a crash what was not synced: any sectors
//! of a file, and the newest names of a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::platform::{File, Fs, LockGuard, Map, Open};

/// What a crash tears a write into.
const SECTOR: usize = 512;

#[derive(Debug, Default)]
struct Contents {
    now: Vec<u8>,
    synced: Vec<u8>,
}

type Node = Arc<Mutex<Contents>>;

/// The names of files and directories.
#[derive(Debug, Clone, Default)]
struct Names {
    dirs: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Node>,
}

#[derive(Debug, Clone)]
enum Change {
    MakeDir(PathBuf),
    Link(PathBuf, Node),
    Rename(PathBuf, PathBuf),
    Unlink(PathBuf),
}

#[derive(Debug, Default)]
struct State {
    now: Names,
    synced: Names,
    /// What separates the two, by directory, in order.
    pending: BTreeMap<PathBuf, Vec<Change>>,
    locked: BTreeSet<PathBuf>,
}

#[derive(Debug, Default)]
pub(crate) struct MemoryFs(Arc<Mutex<State>>);

impl Names {
    fn apply(&mut self, change: Change) {
        match change {
            Change::MakeDir(path) => drop(self.dirs.insert(path)),
            Change::Link(path, node) => drop(self.files.insert(path, node)),
            Change::Unlink(path) => drop(self.files.remove(&path)),
            Change::Rename(from, to) => {
                if let Some(node) = self.files.remove(&from) {
                    self.files.insert(to, node);
                }
            }
        }
    }
}

impl State {
    fn change(&mut self, path: &Path, change: Change) {
        self.now.apply(change.clone());
        self.pending.entry(parent(path)).or_default().push(change);
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

/// Numbers that look random, the same for every seed (splitmix64).
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

impl MemoryFs {
    /// The power fails: what was not synced is there or not, as the dice fall.
    pub(crate) fn crash(&self, dice: &mut Dice) {
        let mut state = self.lock();
        let state = &mut *state;
        for (_, changes) in std::mem::take(&mut state.pending) {
            let kept = dice.below(changes.len() + 1);
            changes.into_iter().take(kept).for_each(|change| state.synced.apply(change));
        }
        // A directory is gone with the one that it was in.
        let mut dirs = BTreeSet::new();
        for dir in &state.synced.dirs {
            // In order: what is above comes first.
            let above = parent(dir);
            if above.as_os_str().is_empty() || above == Path::new("/") || dirs.contains(&above) {
                dirs.insert(dir.clone());
            }
        }
        state.synced.dirs = dirs.clone();
        state.synced.files.retain(|path, _| dirs.contains(&parent(path)));
        state.now = state.synced.clone();
        for node in state.now.files.values() {
            let mut node = node.lock().unwrap();
            let Contents { now, synced } = &mut *node;
            let len = if dice.below(2) == 0 { now.len() } else { synced.len() };
            now.resize(len, 0);
            synced.resize(len, 0);
            for (now, synced) in now.chunks_mut(SECTOR).zip(synced.chunks_mut(SECTOR)) {
                if now != synced && dice.below(2) == 0 {
                    now.copy_from_slice(synced);
                }
            }
            *synced = now.clone();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Fs for MemoryFs {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let missing: Vec<&Path> = path.ancestors().take_while(|dir| !state.now.dirs.contains(*dir)).collect();
        for dir in missing.into_iter().rev() {
            state.change(dir, Change::MakeDir(dir.to_owned()));
        }
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.lock();
        if !state.now.dirs.contains(path) {
            return Err(not_found());
        }
        let names = state.now.dirs.iter().chain(state.now.files.keys());
        Ok(names.filter(|name| name.parent() == Some(path)).cloned().collect())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let mut state = self.lock();
        let there = state.now.files.get(path).cloned();
        let node = match (how, there) {
            (Open::Read | Open::Edit, Some(node)) => node,
            (Open::Read | Open::Edit, None) => return Err(not_found()),
            (Open::CreateNew, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Open::CreateNew, None) => {
                let node = Node::default();
                state.change(path, Change::Link(path.to_owned(), node.clone()));
                node
            }
        };
        Ok(Arc::new(MemoryFile(node)))
    }

    fn available(&self, _: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.lock().change(to, Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.lock().change(path, Change::Unlink(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let changes = state.pending.remove(path).unwrap_or_default();
        changes.into_iter().for_each(|change| state.synced.apply(change));
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>> {
        if !self.lock().locked.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(LockGuard::new(Locked(self.0.clone(), path.to_owned()))))
    }
}

struct Locked(Arc<Mutex<State>>, PathBuf);

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.lock().unwrap().locked.remove(&self.1);
    }
}

#[derive(Debug)]
struct MemoryFile(Node);

impl File for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let contents = self.0.lock().unwrap();
        let rest = contents.now.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(buf.len());
        buf[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut contents = self.0.lock().unwrap();
        let (start, end) = (offset as usize, offset as usize + buf.len());
        if contents.now.len() < end {
            contents.now.resize(end, 0);
        }
        contents.now[start..end].copy_from_slice(buf);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().unwrap().now.resize(len as usize, 0);
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut contents = self.0.lock().unwrap();
        let len = contents.now.len().max(len as usize);
        contents.now.resize(len, 0);
        Ok(())
    }

    fn map(&self, len: u64) -> io::Result<Arc<dyn Map>> {
        let contents = self.0.lock().unwrap();
        let bytes = contents.now.get(..len as usize).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Arc::new(MemoryMap(bytes.to_vec())))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut contents = self.0.lock().unwrap();
        contents.synced = contents.now.clone();
        Ok(())
    }
}

/// What a file held when it was mapped.
#[derive(Debug)]
struct MemoryMap(Vec<u8>);

impl Map for MemoryMap {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn bytes(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let offset = usize::try_from(offset).ok()?;
        self.0.get(offset..offset.checked_add(len)?)
    }
}
