//! What a data directory and a process take.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What a process says of its engine.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Runs that are known, and those of them that have ended.
    pub runs: u64,
    pub ended: u64,
    /// Ids of forgotten runs that are known.
    pub ids: u64,
    pub blobs: u64,
    pub in_memory: u64,
}

/// What was measured at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    pub counts: Counts,
    pub wal: u64,
    pub arena: u64,
    pub checkpoint: u64,
    pub files: u64,
    /// Memory of the process that no file backs.
    pub memory: u64,
}

impl Sample {
    /// Measures the data directory, and the process `pid`.
    pub fn take(dir: &Path, pid: u32, counts: Counts) -> Sample {
        let (wal, wal_files) = size(&dir.join("wal"));
        let (arena, arena_files) = size(&dir.join("arena"));
        let checkpoint = fs::metadata(dir.join("checkpoint.redb")).map_or(0, |meta| meta.len());
        let files = wal_files + arena_files + size(dir).1;
        Sample { counts, wal, arena, checkpoint, files, memory: memory(pid).unwrap_or(0) }
    }

    /// In the order of the bounds.
    pub fn values(&self) -> [u64; 8] {
        let Counts { runs, ids, blobs, .. } = self.counts;
        [runs, ids, blobs, self.wal >> 10, self.arena >> 10, self.checkpoint >> 10, self.files, self.memory >> 10]
    }
}

/// Bytes and number of the files in a directory. One that goes meanwhile does not count.
fn size(dir: &Path) -> (u64, u64) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok()).filter(|meta| meta.is_file()).map(|meta| meta.len());
    sizes.fold((0, 0), |(bytes, files), size| (bytes + size, files + 1))
}

/// `RssAnon`, in bytes; `None` for a process that has gone.
fn memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kib| kib << 10)
}
