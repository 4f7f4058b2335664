//! The tables of the checkpoint and the keys of their rows (see `FORMAT.md`).
//!
//! Numbers in keys are big-endian, so that rows ascend with them.

use crate::codec::ArtifactId;
use crate::id::{RunId, RunNumber};
use crate::record::UndoKind;
use crate::time::Timestamp;

/// Run number → what `list` shows of a run, and where it sleeps.
pub(super) const RUNS: &str = "run";
/// Run id → run number.
pub(super) const IDS: &str = "id";
/// Run number of every run in flight that is to be in memory → nothing.
pub(super) const AWAKE: &str = "awake";
/// Workflow, version, run number of every run in flight → nothing.
pub(super) const FLIGHT: &str = "flight";
/// Wake time, run number of every sleeping run that wakes by itself → nothing.
pub(super) const TIMERS: &str = "timer";
/// Kind of undo, step, run number: what the rollback of a sleeping run would call → nothing.
pub(super) const NEEDS: &str = "need";
/// Run number of an ended run, first LSN → packed records.
pub(super) const HISTORY: &str = "history";
/// End time, run number of every ended run → nothing.
pub(super) const ENDED: &str = "ended";
/// Run id of every run that was forgotten → what is still known of it.
pub(super) const TOMBS: &str = "tomb";
/// Time of forgetting, run id of every tombstone → nothing.
pub(super) const TOMB_TIMES: &str = "tombtime";
/// Blob id → where the blob lies.
pub(super) const BLOBS: &str = "blob";
/// Blob id, run number of every run that names the blob → nothing.
pub(super) const BLOB_RUNS: &str = "blobrun";
/// Run number, blob id of every blob that the run names → nothing.
pub(super) const RUN_BLOBS: &str = "runblob";
/// SHA-256 of an artifact → its blob's id.
pub(super) const ARTIFACTS: &str = "artifact";
/// Blob id of every artifact → its SHA-256.
pub(super) const BLOB_ARTIFACTS: &str = "blobartifact";
/// Single values.
pub(super) const META: &str = "meta";

/// In [`META`]: the highest run number that was ever used.
pub(super) const LAST_RUN: &[u8] = b"last run";

/// Every table.
pub(super) const ALL: [&str; 16] = [
    RUNS,
    IDS,
    AWAKE,
    FLIGHT,
    TIMERS,
    NEEDS,
    HISTORY,
    ENDED,
    TOMBS,
    TOMB_TIMES,
    BLOBS,
    BLOB_RUNS,
    RUN_BLOBS,
    ARTIFACTS,
    BLOB_ARTIFACTS,
    META,
];

/// A key of parts, one after the other.
#[derive(Debug, Default)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn number(mut self, number: u64) -> Key {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(super) fn run(self, run: RunNumber) -> Key {
        self.number(run.0)
    }

    /// A moment; its sign is turned so that the bytes ascend.
    pub(super) fn time(self, time: Timestamp) -> Key {
        self.number(time.0.cast_unsigned() ^ (1 << 63))
    }

    /// Text that other parts follow; a zero ends it, so it has none: names are Rust identifiers or were checked.
    pub(super) fn name(mut self, name: &str) -> Key {
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(0);
        self
    }

    /// Bytes that end the key.
    pub(super) fn rest(mut self, bytes: &[u8]) -> Key {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }
}

pub(super) fn run(run: RunNumber) -> Vec<u8> {
    Key::default().run(run).done()
}

pub(super) fn flight(workflow: &str, version: u32, run: RunNumber) -> Vec<u8> {
    Key::default().name(workflow).number(version.into()).run(run).done()
}

pub(super) fn at(time: Timestamp, run: RunNumber) -> Vec<u8> {
    Key::default().time(time).run(run).done()
}

pub(super) fn need(kind: UndoKind, step: &str, run: RunNumber) -> Vec<u8> {
    Key::default().rest(&[kind.number()]).name(step).run(run).done()
}

pub(super) fn tomb_time(time: Timestamp, id: &RunId) -> Vec<u8> {
    Key::default().time(time).rest(id.as_str().as_bytes()).done()
}

pub(super) fn pair(first: u64, second: u64) -> Vec<u8> {
    Key::default().number(first).number(second).done()
}

pub(super) fn artifact(artifact: &ArtifactId) -> Vec<u8> {
    artifact.as_bytes().to_vec()
}

/// The number that a key or a value is.
pub(super) fn only_number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// The number that a key ends with.
pub(super) fn last_number(key: &[u8]) -> Option<u64> {
    key.last_chunk().copied().map(u64::from_be_bytes)
}

/// The number that a key begins with.
pub(super) fn first_number(key: &[u8]) -> Option<u64> {
    key.first_chunk().copied().map(u64::from_be_bytes)
}

/// The moment that a key begins with.
pub(super) fn first_time(key: &[u8]) -> Option<Timestamp> {
    first_number(key).map(|word| Timestamp((word ^ (1 << 63)).cast_signed()))
}
