//! The two slots of the header: which one is on disk for sure, and which may be written.
//!
//! What must always hold: a slot that is on disk, and whose header is the newest that is, is never overwritten with
//! other bytes. It may be overwritten with the same bytes: whatever of such a write a crash takes, the slot stays.

use super::layout::{HEADER, Header};

/// What is known of the slots.
#[derive(Debug)]
pub(super) struct Slots {
    /// The newest header that was written.
    pub(super) header: Header,
    /// Where it was written.
    pub(super) newest: usize,
    /// The slot that holds the newest header that was synced.
    durable: usize,
    /// Whether both slots hold the newest header, synced.
    pub(super) mirrored: bool,
}

impl Slots {
    /// Those of a new file: nothing is in them.
    pub(super) fn new() -> Slots {
        let header = Header { sequence: 0, contents: vec![0; HEADER] };
        Slots { header, newest: 1, durable: 1, mirrored: false }
    }

    /// What two slots hold; `None` when there is no header in either.
    ///
    /// The newer one counts. If it was synced, it is the newest; if it was not, nobody was told of it, the other one
    /// is on disk, and either will do. One that was written anew, as it is, and synced, is on disk in either case.
    pub(super) fn choose(first: Option<Header>, second: Option<Header>) -> Option<Slots> {
        let (header, newest, mirrored) = match (first, second) {
            (Some(first), Some(second)) if first == second => (first, 0, true),
            (Some(first), Some(second)) if first.sequence >= second.sequence => (first, 0, false),
            (_, Some(second)) => (second, 1, false),
            (Some(first), None) => (first, 0, false),
            (None, None) => return None,
        };
        Some(Slots { header, newest, durable: newest, mirrored })
    }

    /// The next header, and the slot that it may be written to.
    pub(super) fn next(&mut self, change: impl FnOnce(&mut [u8])) -> (usize, &Header) {
        self.header.sequence += 1;
        change(&mut self.header.contents);
        self.newest = 1 - self.durable;
        self.mirrored = false;
        (self.newest, &self.header)
    }

    /// The header in slot `newest` is on disk; says whether it was not before.
    pub(super) fn synced(&mut self, newest: usize) -> bool {
        std::mem::replace(&mut self.durable, newest) != newest
    }

    /// The slot that does not hold the newest header.
    pub(super) fn other(&self) -> usize {
        1 - self.newest
    }
}
