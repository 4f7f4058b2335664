//! How a log is written.

use std::time::Duration;

/// What an effect or an acknowledgement waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// For the disk: what is acknowledged survives a power cut. The default.
    #[default]
    Commit,
    /// For nothing; what was recorded is synced about this often. What is
    /// acknowledged survives a crash of the process once it is written; after a
    /// power cut the log is a consistent, older one.
    Interval(Duration),
    /// For nothing; nothing is synced but full segments and the end of a clean
    /// shutdown. Otherwise as [`Interval`](Self::Interval).
    None,
}

/// How a log is written.
#[derive(Debug, Clone)]
pub(crate) struct WalConfig {
    /// The size of a segment, in bytes; raised to [`MIN_SEGMENT`] and to whole blocks.
    pub(crate) segment_bytes: u64,
    /// `Wal::room` waits while more than this many bytes are queued.
    pub(crate) queue_bytes: usize,
    /// What a waiter waits for.
    pub(crate) durability: Durability,
}

/// The smallest segment: 64 KiB.
pub(super) const MIN_SEGMENT: u64 = 64 * 1024;
/// The largest segment that can be asked for: 1 GiB. One that holds a larger frame gets larger.
pub(super) const MAX_SEGMENT: u64 = 1 << 30;

impl Default for WalConfig {
    fn default() -> WalConfig {
        WalConfig { segment_bytes: 16 << 20, queue_bytes: 8 << 20, durability: Durability::Commit }
    }
}
