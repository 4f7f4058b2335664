//! Names of things (floor 0): runs, and positions within them.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
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
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(SmallVec<[u8; 22]>);

impl Clone for Position {
    fn clone(&self) -> Position {
        // The bytes at once: `SmallVec::clone` takes them one by one.
        Position(SmallVec::from_slice(&self.0))
    }
}

/// One part of a [`Position`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The ordinal of an await in its scope, from 0.
    Await(u32),
    /// The index of a branch, from 0.
    Branch(u32),
    /// The undo of the operation before it: 0 for `compensate`, 1 for `unknown`, 2 for a linked child.
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

    /// The `index`th branch of the operation that this is.
    pub(crate) fn branch(&self, index: u32) -> Position {
        self.with(index, BRANCH)
    }

    /// The undo of the operation that this is.
    pub(crate) fn undo(&self, which: u32) -> Position {
        self.with(which, UNDO)
    }

    /// The operation that this is the undo of, if it is one.
    pub(crate) fn undoes(&self) -> Option<Position> {
        matches!(self.parts().last(), Some(Part::Undo(_))).then(|| self.parent()).flatten()
    }

    fn with(&self, value: u32, kind: u64) -> Position {
        let mut bytes = SmallVec::from_slice(&self.0);
        push(&mut bytes, u64::from(value) << 2 | kind);
        Position(bytes)
    }

    /// Whether this operation stands somewhere inside `scope`.
    pub(crate) fn is_within(&self, scope: &Position) -> bool {
        self.0.len() > scope.0.len() && self.0.starts_with(&scope.0)
    }

    /// The position without its last part; `None` for a root scope.
    pub(crate) fn parent(&self) -> Option<Position> {
        self.ends().last().map(|len| self.cut(len))
    }

    /// The positions that this one stands in, from the root scope on, the shortest first; not itself.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = Position> + '_ {
        self.ends().map(|len| self.cut(len))
    }

    /// Where the visit and each part but the last end.
    fn ends(&self) -> impl Iterator<Item = usize> + '_ {
        let mut rest = self.as_bytes();
        std::iter::from_fn(move || {
            pull(&mut rest)?;
            (!rest.is_empty()).then(|| self.0.len() - rest.len())
        })
    }

    fn cut(&self, len: usize) -> Position {
        Position(SmallVec::from_slice(&self.0[..len]))
    }

    /// Whether a body that awaits something at `at` for the first time cannot have come here before: this stands later
    /// in a scope that both are in, or inside what `at` is. Branches of one group have no order.
    pub(crate) fn is_behind(&self, at: &Position) -> bool {
        if self.visit() != at.visit() {
            return false;
        }
        let (mut here, mut there) = (self.parts(), at.parts());
        loop {
            match (here.next(), there.next()) {
                (Some(here), Some(there)) if here == there => {}
                (Some(Part::Await(here)), Some(Part::Await(there))) => return here > there,
                (Some(_), None) => return true,
                _ => return false,
            }
        }
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
            match part {
                Part::Await(n) if first => write!(f, "{n}")?,
                Part::Await(n) => write!(f, ".{n}")?,
                Part::Branch(n) => write!(f, "/{n}")?,
                Part::Undo(0) => f.write_str("~")?,
                Part::Undo(n) => write!(f, "~{n}")?,
            }
            first = false;
        }
        if first { f.write_str("root") } else { Ok(()) }
    }
}

/// A text that is no [`Position`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no position: expected ordinals like `0.2`, behind `visit 1 ` if it is not the first, or `root`")]
pub struct ParsePositionError(String);

impl FromStr for Position {
    type Err = ParsePositionError;

    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    fn from_str(text: &str) -> Result<Position, ParsePositionError> {
        let position = parse(text).filter(|position| position.0.len() <= Position::MAX_LEN);
        // One position has one text.
        position.filter(|position| position.to_string() == text).ok_or_else(|| ParsePositionError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Position> {
    let (visit, path) = match text.strip_prefix("visit ") {
        Some(rest) => rest.split_once(' ')?,
        None => ("0", text),
    };
    let mut position = Position::root(visit.parse().ok()?);
    let mut rest = if path == "root" { "" } else { path };
    while let Some(mark) = rest.chars().next() {
        let behind = rest.strip_prefix(['.', '/', '~']).unwrap_or(rest);
        let (number, after) = behind.split_at(behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len()));
        let kind = match mark {
            '/' => BRANCH,
            '~' => UNDO,
            _ => AWAIT,
        };
        let value = if number.is_empty() && kind == UNDO { 0 } else { number.parse().ok()? };
        position = position.with(value, kind);
        rest = after;
    }
    Some(position)
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_are_written_as_their_paths() {
        let root = Position::root(0);
        let texts = [
            (root.clone(), "root"),
            (root.child(0).child(2), "0.2"),
            (root.child(3).undo(0), "3~"),
            (root.child(3).undo(1).child(4), "3~1.4"),
            (root.child(3).undo(0).child(4), "3~.4"),
            (root.child(3).branch(1).child(0), "3/1.0"),
            (root.branch(1), "/1"),
            (root.undo(2), "~2"),
            (Position::root(7), "visit 7 root"),
            (Position::root(7).child(1), "visit 7 1"),
        ];
        for (position, text) in texts {
            assert_eq!(position.to_string(), text);
            assert_eq!(text.parse(), Ok(position));
        }
    }

    #[test]
    fn a_text_that_is_no_position_is_refused() {
        let long = format!("0{}", ".4294967295".repeat(300));
        for text in
            ["", ".0", "0.", "0..1", "00", "0~0", "visit 0 1", "visit 1", "1 2", "4294967296", "-1", "0.x", &long]
        {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_position_stands_in_its_prefixes() {
        let position: Position = "visit 300 70000/200.1~2".parse().unwrap();
        let texts: Vec<String> = position.prefixes().map(|prefix| prefix.to_string()).collect();
        assert_eq!(texts, ["visit 300 root", "visit 300 70000", "visit 300 70000/200", "visit 300 70000/200.1"]);
        assert_eq!(position.parent().map(|parent| parent.to_string()), texts.last().cloned());
        let root = Position::root(300);
        assert_eq!((root.parent(), root.prefixes().count()), (None, 0));
        assert!(!root.is_within(&root));
    }

    fn parts() -> impl Strategy<Value = Vec<(u64, u32)>> {
        // Small ones and the edges of one and two bytes, so that two positions often begin alike.
        let value = prop_oneof![0u32..3, 30u32..34, 4094u32..4098, any::<u32>()];
        prop::collection::vec((0u64..3, value), 0..6)
    }

    fn position(visit: u32, parts: &[(u64, u32)]) -> Position {
        parts.iter().fold(Position::root(visit), |at, (kind, value)| at.with(*value, *kind))
    }

    proptest! {
        #[test]
        fn prefixes_end_where_parts_end(visit: u32, parts in parts()) {
            let whole = position(visit, &parts);
            let prefixes: Vec<Position> = whole.prefixes().collect();
            let wanted: Vec<Position> = (0..parts.len()).map(|len| position(visit, &parts[..len])).collect();
            prop_assert_eq!(&prefixes, &wanted);
            prop_assert_eq!(whole.parent(), wanted.last().cloned());
        }

        #[test]
        fn a_position_is_within_what_its_parts_begin_with(
            (visit, other) in prop_oneof![(0u32..300).prop_map(|visit| (visit, visit)), (0u32..300, 0u32..300)],
            inner in parts(),
            (shared, more) in (0usize..6, parts()),
        ) {
            let shared = &inner[..shared.min(inner.len())];
            for outer in [shared.to_vec(), [shared, more.as_slice()].concat()] {
                let wanted = visit == other && inner.len() > outer.len() && inner.starts_with(&outer);
                let (at, scope) = (position(visit, &inner), position(other, &outer));
                prop_assert_eq!(at.is_within(&scope), wanted, "{} in {}", at, scope);
                prop_assert_eq!(at.prefixes().any(|prefix| prefix == scope), wanted);
            }
        }

        #[test]
        fn every_position_comes_back_from_its_text(
            visit in prop_oneof![Just(0u32), any::<u32>()],
            parts in prop::collection::vec((0u64..3, prop_oneof![0u32..3, any::<u32>()]), 0..20),
        ) {
            let position = parts.iter().fold(Position::root(visit), |at, (kind, value)| at.with(*value, *kind));
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn any_text_is_a_position_or_refused(text in "(visit [0-9]{1,3} )?[0-9./~]{0,12}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }
    }
}
