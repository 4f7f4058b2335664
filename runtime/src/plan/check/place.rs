//! Where a node stands in a plan.

/// The deepest node that is told from the others beside it.
const DEPTH: usize = 32;

/// The indexes of the children on the way from the root. Below [`DEPTH`] the
/// place is that of the last node whose place can be held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    indexes: [u16; DEPTH],
    depth: usize,
}

impl Place {
    pub(super) const ROOT: Place = Place { indexes: [0; DEPTH], depth: 0 };

    pub(super) const fn child(mut self, index: usize) -> Place {
        if self.depth < DEPTH {
            self.indexes[self.depth] = index as u16;
            self.depth += 1;
        }
        self
    }

    /// Whether this is the node at `at`, or one inside it.
    pub(super) const fn is_within(&self, at: &[u16]) -> bool {
        let mut i = 0;
        while i < at.len() && i < DEPTH {
            if i >= self.depth || self.indexes[i] != at[i] {
                return false;
            }
            i += 1;
        }
        true
    }

    /// Whether this is in one of the first `count` children of the node at `at`, which it is within.
    pub(super) const fn is_in_child_of(&self, at: &[u16], count: u16) -> bool {
        at.len() < self.depth && self.indexes[at.len()] < count
    }

    pub(super) const fn is(&self, other: &Place) -> bool {
        self.depth == other.depth && self.is_within(other.indexes.split_at(other.depth).0)
    }

    /// Whether this is the node at `at`.
    pub(super) const fn is_at(&self, at: &[u16]) -> bool {
        self.depth == at.len() && self.is_within(at)
    }
}
