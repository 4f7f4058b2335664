//! The bytes of a disk, past its file system: what a test or an accident does to them.

use std::path::{Path, PathBuf};

use super::Disk;
use super::names::clean;
use super::node::Node;

/// [`Disk::raw`]: what is changed here is shown at once and survives whatever happens.
#[derive(Debug)]
pub struct Raw<'a>(pub(super) &'a Disk);

impl Raw<'_> {
    /// The paths of all files.
    #[must_use]
    pub fn list(&self) -> Vec<PathBuf> {
        self.0.state().tree.shown.files.keys().cloned().collect()
    }

    /// What a file shows.
    #[must_use]
    pub fn read(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.0.state();
        let id = state.tree.shown.files.get(&clean(path.as_ref()))?;
        Some(state.nodes.get(id)?.shown.to_vec())
    }

    /// Makes a file, and the directories that it is in, or replaces what it holds.
    pub fn write(&self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) {
        let mut state = self.0.state();
        let path = clean(path.as_ref());
        let there = state.tree.shown.files.get(&path).copied();
        let id = there.unwrap_or_else(|| state.make(path.clone()));
        if let Some(node) = state.nodes.get_mut(&id) {
            node.replace(bytes.into());
        }
        state.tree.settle_link(&path, id);
    }

    /// Flips a bit of a file, counted from its beginning.
    ///
    /// # Panics
    /// When there is no such bit.
    pub fn flip(&self, path: impl AsRef<Path>, bit: u64) {
        self.change(path.as_ref(), |bytes| bytes[(bit / 8) as usize] ^= 1 << (bit % 8));
    }

    /// Cuts a file.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn truncate(&self, path: impl AsRef<Path>, len: u64) {
        self.change(path.as_ref(), |bytes| bytes.truncate(len as usize));
    }

    /// Unlinks a file, if it is there.
    pub fn remove(&self, path: impl AsRef<Path>) {
        let mut state = self.0.state();
        state.tree.settle_unlink(&clean(path.as_ref()));
        state.sweep();
    }

    fn change(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.state();
        let id = state.tree.shown.files.get(&clean(path)).copied();
        let node: Option<&mut Node> = id.and_then(|id| state.nodes.get_mut(&id));
        let Some(node) = node else { panic!("there is no file {}", path.display()) };
        let mut bytes = node.shown.to_vec();
        change(&mut bytes);
        node.replace(bytes);
        // The name stays as durable as it was.
    }
}
