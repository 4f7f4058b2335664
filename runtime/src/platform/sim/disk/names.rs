//! The names of files and directories: as they are shown, as they are on the medium, and what separates the two.
//!
//! What must always hold: what is on the medium plus all pending changes, in order, is what is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::loss::Judge;

/// A file, whatever its name.
pub(super) type NodeId = u64;

/// Names at one moment.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) dirs: BTreeSet<PathBuf>,
    pub(super) files: BTreeMap<PathBuf, NodeId>,
}

/// A change of a directory.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// The operation that it was.
    pub(super) number: u64,
    what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    MakeDir(PathBuf),
    Link(PathBuf, NodeId),
    Rename(PathBuf, PathBuf, NodeId),
    Unlink(PathBuf),
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    pub(super) shown: Names,
    pub(super) medium: Names,
    pub(super) pending: Vec<Change>,
}

impl Default for Names {
    /// The root and the working directory have always been there.
    fn default() -> Self {
        Names { dirs: BTreeSet::from([PathBuf::new(), PathBuf::from("/")]), files: BTreeMap::new() }
    }
}

/// The directory that a name is in.
pub(super) fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

/// A path without `.`.
pub(super) fn clean(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

impl Change {
    fn names(&self) -> (&Path, Option<&Path>) {
        match &self.what {
            What::MakeDir(path) | What::Link(path, _) | What::Unlink(path) => (path, None),
            What::Rename(from, to, _) => (from, Some(to)),
        }
    }

    /// The directory whose sync makes it durable.
    pub(super) fn dir(&self) -> PathBuf {
        parent(self.names().0)
    }

    pub(super) fn shares_a_name(&self, other: &Change) -> bool {
        let ((a, b), (c, d)) = (self.names(), other.names());
        a == c || Some(a) == d || b == Some(c) || b.is_some() && b == d
    }
}

impl Names {
    fn apply(&mut self, what: What) {
        match what {
            What::MakeDir(path) => drop(self.dirs.insert(path)),
            What::Link(path, node) => drop(self.files.insert(path, node)),
            What::Unlink(path) => drop(self.files.remove(&path)),
            What::Rename(from, to, node) => {
                self.files.remove(&from);
                self.files.insert(to, node);
            }
        }
    }

    /// Nothing can be in a directory that is not there.
    fn without_orphans(mut self) -> Names {
        let root = Names::default().dirs;
        // In order: what is above comes first.
        let mut dirs = root.clone();
        for dir in self.dirs {
            if root.contains(&dir) || dirs.contains(&parent(&dir)) {
                dirs.insert(dir);
            }
        }
        self.files.retain(|path, _| dirs.contains(&parent(path)));
        self.dirs = dirs;
        self
    }
}

impl Tree {
    pub(super) fn change(&mut self, number: u64, what: What) {
        self.shown.apply(what.clone());
        self.pending.push(Change { number, what });
    }

    /// The changes of a directory are on the medium.
    pub(super) fn sync(&mut self, dir: &Path) {
        let (changes, others): (Vec<_>, _) =
            std::mem::take(&mut self.pending).into_iter().partition(|change| change.dir() == dir);
        self.pending = others;
        changes.into_iter().for_each(|change| self.medium.apply(change.what));
    }

    /// The power fails.
    pub(super) fn lose(&mut self, judge: &mut Judge<'_>) {
        let changes = std::mem::take(&mut self.pending);
        let kept = judge.names(&changes);
        for (change, _) in changes.into_iter().zip(kept).filter(|(_, kept)| *kept) {
            self.medium.apply(change.what);
        }
        self.medium = std::mem::take(&mut self.medium).without_orphans();
        self.shown = self.medium.clone();
    }

    /// A name that is on the medium from now on, whatever happens.
    pub(super) fn settle_link(&mut self, path: &Path, node: NodeId) {
        for names in [&mut self.shown, &mut self.medium] {
            names.dirs.extend(path.ancestors().skip(1).map(Path::to_owned));
            names.files.insert(path.to_owned(), node);
        }
        self.pending.retain(|change| !matches!(change.names(), (a, b) if a == path || b == Some(path)));
    }

    /// A name that is not on the medium from now on, whatever happens.
    pub(super) fn settle_unlink(&mut self, path: &Path) {
        self.pending.retain(|change| !matches!(change.names(), (a, b) if a == path || b == Some(path)));
        self.shown.files.remove(path);
        self.medium.files.remove(path);
    }

    /// Whether any name, present, past or pending, leads to a file.
    pub(super) fn knows(&self, node: NodeId) -> bool {
        let named = |names: &Names| names.files.values().any(|&other| other == node);
        let pending = |change: &Change| matches!(change.what, What::Link(_, n) | What::Rename(_, _, n) if n == node);
        named(&self.shown) || named(&self.medium) || self.pending.iter().any(pending)
    }
}
