//! Which rows of a table, and in which order.

use std::ops::Bound;

/// A range of keys, compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The lower end.
    pub from: Bound<Vec<u8>>,
    /// The upper end.
    pub to: Bound<Vec<u8>>,
    /// Whether the highest key comes first.
    pub descending: bool,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> KeyRange {
        KeyRange::between(Bound::Unbounded, Bound::Unbounded)
    }

    /// The keys between two ends, ascending.
    #[must_use]
    pub fn between(from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> KeyRange {
        KeyRange { from, to, descending: false }
    }

    /// The keys that start with `prefix`.
    #[must_use]
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> KeyRange {
        let from = prefix.into();
        // The first key above all that start so: the prefix up to its last byte that can be counted up.
        let mut above = from.clone();
        while above.pop_if(|last| *last == u8::MAX).is_some() {}
        let to = match above.last_mut() {
            Some(last) => {
                *last += 1;
                Bound::Excluded(above)
            }
            None => Bound::Unbounded,
        };
        KeyRange::between(Bound::Included(from), to)
    }

    /// This key and those above it.
    #[must_use]
    pub fn from(key: impl Into<Vec<u8>>) -> KeyRange {
        KeyRange::between(Bound::Included(key.into()), Bound::Unbounded)
    }

    /// The keys above this one.
    #[must_use]
    pub fn after(key: impl Into<Vec<u8>>) -> KeyRange {
        KeyRange::between(Bound::Excluded(key.into()), Bound::Unbounded)
    }

    /// Up to this key, and with it.
    #[must_use]
    pub fn through(self, key: impl Into<Vec<u8>>) -> KeyRange {
        KeyRange { to: Bound::Included(key.into()), ..self }
    }

    /// Up to this key, and without it.
    #[must_use]
    pub fn before(self, key: impl Into<Vec<u8>>) -> KeyRange {
        KeyRange { to: Bound::Excluded(key.into()), ..self }
    }

    /// From this key's upper neighbour on: the rest of an ascending scan whose last key this was.
    #[must_use]
    pub fn resume_after(self, key: impl Into<Vec<u8>>) -> KeyRange {
        KeyRange { from: Bound::Excluded(key.into()), ..self }
    }

    /// The highest key first.
    #[must_use]
    pub fn descending(self) -> KeyRange {
        KeyRange { descending: true, ..self }
    }

    /// Whether a key lies in the range.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        let above = match &self.from {
            Bound::Included(from) => key >= from.as_slice(),
            Bound::Excluded(from) => key > from.as_slice(),
            Bound::Unbounded => true,
        };
        let below = match &self.to {
            Bound::Included(to) => key <= to.as_slice(),
            Bound::Excluded(to) => key < to.as_slice(),
            Bound::Unbounded => true,
        };
        above && below
    }

    /// Whether no key can lie in the range, as its ends are the wrong way round.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
            _ => false,
        }
    }

    /// Both ends, borrowed; only for a range that is not empty.
    pub(super) fn ends(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice))
    }
}
