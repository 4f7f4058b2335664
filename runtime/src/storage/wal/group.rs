//! Records of one group, encoded before the log's lock is taken.

use super::record::{self, RawRecord, Records};

/// Room for the records of a usual group.
const USUAL: usize = 256;

/// Records that are atomic together once they are [appended](super::Wal::append), in the bytes that they will have.
/// Its buffer can be filled again.
#[derive(Debug, Default)]
pub(crate) struct Group {
    bytes: Vec<u8>,
    /// Where the last record starts.
    last: Option<usize>,
    count: u32,
    /// A record was longer than a header can say: the group cannot be appended.
    too_large: bool,
}

impl Group {
    /// Adds a record; `body` appends the body's bytes to what it is given, and must leave alone what is there already.
    /// `time` is in nanoseconds since 1970-01-01 UTC.
    pub(crate) fn record(&mut self, kind: u8, run: u64, time: i64, body: impl FnOnce(&mut Vec<u8>)) {
        if self.too_large {
            return;
        }
        match self.last {
            Some(previous) => record::continue_group(&mut self.bytes, previous),
            None => self.bytes.reserve(USUAL),
        }
        self.last = record::write(&mut self.bytes, kind, 0, run, time, body);
        self.too_large = self.last.is_none();
        self.count += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many records it has.
    pub(crate) fn count(&self) -> usize {
        self.count as usize
    }

    /// Its records.
    pub(crate) fn records(&self) -> impl Iterator<Item = RawRecord<'_>> {
        Records::new(&self.bytes).map_while(Result::ok).map(|(_, record)| record)
    }

    /// Forgets its records; the buffer stays, unless it has become large.
    pub(crate) fn clear(&mut self) {
        /// What a run may keep for its next records.
        const KEPT: usize = 4096;
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        (self.last, self.count, self.too_large) = (None, 0, false);
    }

    /// Its bytes, where its last record starts, and how many records they are; none if they cannot be appended.
    pub(super) fn encoded(&self) -> Option<(&[u8], usize, u32)> {
        match self.last {
            Some(last) if !self.too_large => Some((&self.bytes, last, self.count)),
            _ => None,
        }
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.too_large
    }
}
