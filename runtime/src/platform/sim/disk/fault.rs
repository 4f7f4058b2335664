//! Faults on command.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::op::{Kind, Op};

/// Operations that fail: `Fault::on(Kind::Sync).of("wal").after(3).once()`.
///
/// Without more they fail with EIO, from the next one on, until [`Disk::heal`](super::Disk::heal).
///
/// What a failed operation leaves behind is decided by the disk's dice: of a write, a part or nothing; of a sync, see
/// [`Disk`](super::Disk). Anything else that fails has done nothing.
#[derive(Debug, Clone)]
#[must_use = "a fault is one only when it is injected"]
pub struct Fault {
    kind: Option<Kind>,
    of: String,
    after: u64,
    once: bool,
    error: Errno,
}

impl Fault {
    /// Every operation.
    pub fn any() -> Fault {
        Fault { kind: None, of: String::new(), after: 0, once: false, error: Errno::IO }
    }

    /// Every operation of one kind.
    pub fn on(kind: Kind) -> Fault {
        Fault { kind: Some(kind), ..Fault::any() }
    }

    /// Only on files whose names end so.
    pub fn of(self, suffix: &str) -> Fault {
        Fault { of: suffix.to_owned(), ..self }
    }

    /// The first `n` of them still go well.
    pub fn after(self, n: u64) -> Fault {
        Fault { after: n, ..self }
    }

    /// Only one of them fails.
    pub fn once(self) -> Fault {
        Fault { once: true, ..self }
    }

    /// With ENOSPC: the disk is full.
    pub fn full(self) -> Fault {
        Fault { error: Errno::NOSPC, ..self }
    }

    fn is_of(&self, op: &Op) -> bool {
        self.kind.is_none_or(|kind| kind == op.kind()) && op.file().ends_with(&self.of)
    }
}

/// The faults that most tests want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fail {
    /// All goes well again.
    Nothing,
    /// The `n`th operation from now, counted from 0, and all after it.
    From(u64),
    /// Every write, allocation and change of a length.
    Writes,
    /// Every sync of a file.
    Syncs,
}

impl Fail {
    pub(super) fn faults(self) -> Vec<Fault> {
        match self {
            Fail::Nothing => Vec::new(),
            Fail::From(n) => vec![Fault::any().after(n)],
            Fail::Writes => [Kind::Write, Kind::SetLen, Kind::Allocate].map(Fault::on).into(),
            Fail::Syncs => vec![Fault::on(Kind::Sync)],
        }
    }
}

/// The faults that are in force.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) rules: Vec<Fault>,
    /// How many operations they hit.
    pub(super) hits: u64,
    /// Files whose reads fail, by how their names end.
    pub(super) unreadable: BTreeSet<String>,
    /// Bits that reads show flipped.
    pub(super) flipped: BTreeSet<(PathBuf, u64)>,
}

impl Faults {
    /// Whether an operation fails. Every fault counts it, but one at most hits it.
    pub(super) fn hit(&mut self, op: &Op) -> Option<Errno> {
        let mut hit = None;
        self.rules.retain_mut(|rule| {
            if !rule.is_of(op) {
                return true;
            }
            if rule.after > 0 {
                rule.after -= 1;
                return true;
            }
            if hit.is_some() {
                return true;
            }
            hit = Some(rule.error);
            !rule.once
        });
        self.hits += u64::from(hit.is_some());
        hit
    }

    /// Whether reads of `path` are not as they should be.
    pub(super) fn concern_reads(&self, path: &Path) -> bool {
        let name = super::op::name(path);
        let unreadable = self.unreadable.iter().any(|suffix| name.ends_with(suffix.as_str()));
        unreadable || self.flipped.iter().any(|(file, _)| file == path)
    }

    /// What a read of `path` from `offset` on gives instead of `bytes`.
    pub(super) fn read(&mut self, path: &Path, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let name = super::op::name(path);
        if self.unreadable.iter().any(|suffix| name.ends_with(suffix.as_str())) {
            self.hits += 1;
            return Err(Errno::IO.into());
        }
        for (_, bit) in self.flipped.iter().filter(|(file, _)| file == path) {
            let at = (bit / 8).checked_sub(offset).and_then(|at| usize::try_from(at).ok());
            if let Some(byte) = at.and_then(|at| bytes.get_mut(at)) {
                *byte ^= 1 << (bit % 8);
                self.hits += 1;
            }
        }
        Ok(())
    }
}
