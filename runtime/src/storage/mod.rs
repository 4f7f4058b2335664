//! Files of a data directory (floor 2): bytes in, bytes out, no workflow.
//!
//! Owns every file below the data directory and the meaning of each of its
//! bytes, as `FORMAT.md` lays them down. Looks down on `id` (floor 0) and
//! `platform` (floor 1) only. What must always hold: nothing is read before
//! the directory's lock is held; a length that was read is checked against the
//! bytes that are there before it is used; nothing is ever skipped in silence.

pub(crate) mod arena;
mod bytes;
pub(crate) mod checkpoint;
pub(crate) mod crypt;
mod dir;
mod disk;
mod error;
mod look;
mod manifest;
mod problem;
mod stamp;
mod wal;

pub(crate) use checkpoint::verify as verify_checkpoint;
pub use checkpoint::{
    Batch, CheckpointError, CheckpointStore, JournalRow, KeyRange, MAX_KEY, MAX_TABLE_NAME, MAX_VALUE,
    MemoryCheckpoint, Op, RedbCheckpoint, TableRow,
};
pub(crate) use crypt::{Cipher, Of};
pub use crypt::{CryptError, InvalidKeyId, KeyId, MAX_KEY_ID};
#[cfg(feature = "encrypt")]
pub use crypt::{EncryptionKey, KeyError, KeyProvider, StaticKeys};
pub(crate) use dir::{CHECKPOINT, DataDir};
pub use error::StorageError;
pub(crate) use look::Look;
pub use problem::Problem;
pub use wal::Durability;
pub(crate) use wal::{
    Cut, Group, GroupWriter, OpenReport, RawRecord, Refusal, Replay, ReplayError, Wal, WalConfig, WalStats, lane_of,
};
pub(crate) use wal::{Lane as ReplayLane, Shared as SharedLog, Wait as LogWait};
pub(crate) use wal::{Verified as VerifiedLog, verify_records as verify_log};
