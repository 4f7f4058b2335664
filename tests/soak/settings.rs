//! The settings of an engine, drawn anew for each process; and what follows from them.

use std::path::Path;
use std::time::Duration;

use factum::prelude::*;
use factum::{Builder, History};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::workload::{BLOBS, registered};

/// Runs that are started in a second, at most.
pub const PACE: u64 = 100;
/// Starts and signals that are in the air at once, at most.
pub const IN_THE_AIR: usize = 100;
/// How long everything may take that happens in the background: a round of the checkpointer on a machine that is busy.
/// Normal are two intervals.
pub const LAG: u64 = 3;
const INTERVAL: Duration = Duration::from_millis(50);

pub const MOST_ENDED: u64 = 300;
pub const MOST_IDS: u64 = 1_200;
pub const FEWEST_IDS: u64 = 600;
pub const MOST_FORGET: u64 = 5;
/// The ids of forgotten runs are known for so many seconds at least.
pub const LEAST_IDS_AGE: u64 = 5;
const MOST_IDS_AGE: u64 = 10;
const LEAST_SEGMENT: u64 = 64 << 10;
const MOST_SEGMENT: u64 = 256 << 10;
const ARENA_SEGMENT: u64 = 4 << 20;
const CACHE: u64 = 4 << 20;

/// What one process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// What the ids of this process's runs begin with.
    pub life: u64,
    segment: u64,
    keep_ended: u64,
    forget_after: u64,
    keep_ids: u64,
    forget_ids_after: u64,
    outcome_only: bool,
    /// Nothing is started any more; everything ends and is forgotten.
    pub last: bool,
}

impl Settings {
    pub fn draw(life: u64, rng: &mut Rng) -> Settings {
        Settings {
            life,
            segment: rng.u64(LEAST_SEGMENT..=MOST_SEGMENT),
            keep_ended: rng.u64(50..=MOST_ENDED),
            forget_after: rng.u64(1..=MOST_FORGET),
            keep_ids: rng.u64(FEWEST_IDS..=MOST_IDS),
            forget_ids_after: rng.u64(LEAST_IDS_AGE..=MOST_IDS_AGE),
            outcome_only: rng.bool(),
            last: false,
        }
    }

    /// Those of the process in which everything goes.
    pub fn last(life: u64) -> Settings {
        let (segment, forget_ids_after) = (MOST_SEGMENT, LEAST_IDS_AGE);
        let (keep_ended, forget_after, keep_ids) = (0, 0, MOST_IDS);
        Settings {
            life,
            segment,
            keep_ended,
            forget_after,
            keep_ids,
            forget_ids_after,
            outcome_only: false,
            last: true,
        }
    }

    pub fn builder(&self, dir: &Path) -> Builder {
        let history = if self.outcome_only { History::Outcome } else { History::Full };
        registered(Engine::builder(dir))
            .segment_bytes(self.segment)
            .arena_segment_bytes(ARENA_SEGMENT)
            .checkpoint_cache_bytes(CACHE as usize)
            .checkpoint_interval(INTERVAL)
            .sleep_after(Duration::from_millis(20))
            .history(history)
            .keep_ended(self.keep_ended)
            .forget_after(Duration::from_secs(self.forget_after))
            .keep_ids(self.keep_ids)
            .forget_ids_after(Duration::from_secs(self.forget_ids_after))
            // Kills that come faster than an attempt ends say nothing against a run.
            .poison_after(1_000)
    }
}

/// Something that is measured, the most that it may be, and why.
pub struct Bound {
    pub name: &'static str,
    pub most: u64,
    pub why: &'static str,
}

const KNOWN: u64 = MOST_ENDED + IN_THE_AIR as u64 + PACE * LAG;
/// Of five runs one has a blob.
const BLOBS_KNOWN: u64 = KNOWN / 5;
/// A run waits for the disk at most 6 times, and so writes at most so many frames of a block for itself.
const LOG_OF_A_RUN: u64 = 6 * 4096;
/// One in each interval, the one that is written, the one that is kept, and one that is made.
const SEGMENTS_BEGUN: u64 = LAG * 1000 / INTERVAL.as_millis() as u64 + 3;
const MIB: u64 = 1 << 20;

/// In the order of [`Sample::values`](crate::measure::Sample::values).
pub const BOUNDS: [Bound; 8] = [
    Bound { name: "runs", most: KNOWN, why: "those that are kept, are in the air, or ended within the lag" },
    Bound { name: "ids", most: MOST_IDS + PACE * LAG, why: "those that are kept, or were forgotten within the lag" },
    Bound { name: "blobs", most: BLOBS_KNOWN, why: "of five known runs one has one" },
    Bound {
        name: "wal KiB",
        most: (PACE * LAG * LOG_OF_A_RUN + SEGMENTS_BEGUN * MOST_SEGMENT) / 1024,
        why: "what is written within the lag, with one segment begun in each interval",
    },
    Bound {
        name: "arena KiB",
        // What is live is at least a quarter of each segment but the one that is written, and on average a half of the
        // largest size.
        most: (4 * BLOBS_KNOWN * (BLOBS.end as u64 / 2) + 4 * ARENA_SEGMENT) / 1024,
        why: "the known blobs, in segments of which at least a quarter is live",
    },
    Bound {
        name: "checkpoint KiB",
        // redb doubles its file as it grows, and keeps what was freed.
        most: 4 * (KNOWN * 2048 + (MOST_IDS + PACE * LAG) * 256) / 1024 + 1024,
        why: "2 KiB for a known run and 256 bytes for an id, four times for free pages and the growth by doubling",
    },
    Bound {
        name: "files",
        most: SEGMENTS_BEGUN
            + PACE * LAG * LOG_OF_A_RUN / LEAST_SEGMENT
            + 4 * BLOBS_KNOWN * (BLOBS.end as u64 / 2) / ARENA_SEGMENT
            + 8,
        why: "the segments of the two, of the smallest size, and a few more",
    },
    Bound {
        name: "memory KiB",
        most: (CACHE + 8 * MIB + 2 * IN_THE_AIR as u64 * BLOBS.end as u64 / 5 + 64 * MIB) / 1024,
        why: "the cache, the log's queue, the blobs in the air twice, and 64 MiB for the rest",
    },
];
