//! Names of things (floor 0): runs, and positions within them.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

/// The most bytes that a run's id may have.
pub const MAX_RUN_ID: usize = 512;

/// A run's id, as its starter chose it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Arc<str>);

impl RunId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for RunId {
    fn from(id: &T) -> RunId {
        RunId(id.as_ref().into())
    }
}

impl From<String> for RunId {
    fn from(id: String) -> RunId {
        RunId(id.into())
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> String {
        id.0.as_ref().to_owned()
    }
}

impl Borrow<str> for RunId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for RunId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for RunId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for RunId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// A run's number: what its records carry instead of its id. Counted up from 1
/// in one data directory and never used again there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RunNumber(pub(crate) u64);

/// A log sequence number: counts the records of a data directory from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Lsn(pub u64);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a durable operation stands in its run: the visit, then a path of
/// ordinals of awaits, one for each scope, and indexes of branches.
///
/// Kept as the bytes that are written to disk (see `FORMAT.md`): the visit and
/// each part are variable-length integers, a part is `value << 2 | kind`.
/// Written out, the third await of the saga at the root's first await is `0.2`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(SmallVec<[u8; 22]>);

/// One part of a [`Position`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The ordinal of an await in its scope, from 0.
    Await(u32),
    /// The index of a branch, from 0.
    Branch(u32),
    /// The undo of the operation before it: 0 for `compensate`, 1 for `unknown`.
    Undo(u32),
}

const AWAIT: u64 = 0;
const BRANCH: u64 = 1;
const UNDO: u64 = 2;

impl Position {
    /// The most bytes that a position may have.
    pub(crate) const MAX_LEN: usize = 1024;

    /// The root scope of a visit.
    pub(crate) fn root(visit: u32) -> Position {
        let mut bytes = SmallVec::new();
        push(&mut bytes, u64::from(visit));
        Position(bytes)
    }

    /// The `ordinal`th await of the scope that this is.
    pub(crate) fn child(&self, ordinal: u32) -> Position {
        self.with(ordinal, AWAIT)
    }

    /// The undo of the operation that this is.
    pub(crate) fn undo(&self, which: u32) -> Position {
        self.with(which, UNDO)
    }

    fn with(&self, value: u32, kind: u64) -> Position {
        let mut bytes = self.0.clone();
        push(&mut bytes, u64::from(value) << 2 | kind);
        Position(bytes)
    }

    /// Whether this operation stands somewhere inside `scope`.
    pub(crate) fn is_within(&self, scope: &Position) -> bool {
        self.0.len() > scope.0.len() && self.0.starts_with(&scope.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A position from its bytes; `None` when they are not one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Position> {
        let mut rest = bytes;
        let visit = pull(&mut rest)?;
        u32::try_from(visit).ok()?;
        while !rest.is_empty() {
            part(pull(&mut rest)?)?;
        }
        (bytes.len() <= Self::MAX_LEN).then(|| Position(SmallVec::from_slice(bytes)))
    }

    /// The visit, which counts the turns of a run from 0.
    #[must_use]
    pub fn visit(&self) -> u32 {
        let mut rest = self.as_bytes();
        pull(&mut rest).and_then(|v| u32::try_from(v).ok()).unwrap_or(0)
    }

    /// The parts after the visit.
    pub fn parts(&self) -> impl Iterator<Item = Part> + '_ {
        let mut rest = self.as_bytes();
        pull(&mut rest);
        std::iter::from_fn(move || part(pull(&mut rest)?))
    }
}

fn part(word: u64) -> Option<Part> {
    let value = u32::try_from(word >> 2).ok()?;
    match word & 3 {
        AWAIT => Some(Part::Await(value)),
        BRANCH => Some(Part::Branch(value)),
        UNDO => Some(Part::Undo(value)),
        _ => None,
    }
}

fn push(bytes: &mut SmallVec<[u8; 22]>, word: u64) {
    crate::codec::wire::varint(word, |byte| bytes.push(byte));
}

fn pull(rest: &mut &[u8]) -> Option<u64> {
    crate::codec::wire::read_varint(rest)
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.visit() > 0 {
            write!(f, "visit {} ", self.visit())?;
        }
        let mut first = true;
        for part in self.parts() {
            let (separator, value, suffix) = match part {
                Part::Await(n) => (".", n, ""),
                Part::Branch(n) => ("/", n, ""),
                Part::Undo(0) => {
                    f.write_str("~")?;
                    continue;
                }
                Part::Undo(n) => ("~", n, ""),
            };
            write!(f, "{}{value}{suffix}", if first { "" } else { separator })?;
            first = false;
        }
        if first { f.write_str("root") } else { Ok(()) }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
