//! The rows, in the order of the table, and what measures them.

mod asleep;
mod blobs;
mod growth;
mod history;
mod latency;
mod parked;
mod recovery;
mod steps;
mod unsynced;

use crate::Result;
use crate::bench::Bench;
use crate::report::Spec;
use crate::report::Target::{AtLeast, AtMost};

pub(crate) use self::recovery::Left;

const fn row(
    key: &'static str,
    name: &'static str,
    unit: &'static str,
    against: &'static str,
    target: crate::report::Target,
) -> Spec {
    Spec { key, name, unit, against, target }
}

pub(crate) const SPECS: &[Spec] = &[
    row("steps-512", "durable steps, 512 runs in flight", "steps/s", "bare group commit", AtLeast(0.40)),
    row("steps-64", "durable steps, 64 runs in flight", "steps/s", "bare group commit", AtLeast(0.70)),
    row("latency", "one run of 10 effectful steps", "µs", "12 × fdatasync", AtMost(1.25)),
    row("latency-pure", "one run of 10 pure steps", "µs", "fdatasync", AtMost(3.0)),
    row("unsynced", "a step with `Durability::None`", "ns", "buffered append + crc32", AtMost(6.0)),
    row("syncs", "syncs per step at 512", "", "", AtMost(0.02)),
    row("processor", "processor time per step at 512", "µs", "", AtMost(3.0)),
    row("blobs", "outputs of 1 MiB", "MiB/s", "sequential write", AtLeast(0.8)),
    row("blobs-written", "written for outputs of 1 MiB", "MiB", "payload", AtMost(1.1)),
    row("blob-read", "memory to read a blob of 100 MiB", "MiB", "the blob", AtMost(0.05)),
    // As fast: what is measured here twice over differs by as much.
    row("parked", "steps of runs half-way, after SIGKILL and open", "steps/s", "without a crash", AtLeast(0.9)),
    // In proportion: four, and a fourth of it for what an open costs beside.
    row("open-tail", "open after a crash", "ms", "with a fourth of the log", AtMost(5.0)),
    row("recovery", "recovery of 1,000,000 records", "MiB/s", "read + crc32", AtLeast(0.25)),
    row("asleep-memory", "1,000,000 runs asleep: resident", "MiB", "", AtMost(256.0)),
    row("asleep-started", "the same where they were started", "MiB", "", AtMost(256.0)),
    row("asleep-disk", "1,000,000 runs asleep: disk for each", "bytes", "", AtMost(400.0)),
    row("asleep-open", "1,000,000 runs asleep: open", "s", "", AtMost(2.0)),
    row("asleep-wake", "10,000 of them wake together", "s", "", AtMost(1.0)),
    row("list", "1,000,000 ended runs: a page of `list`", "ms", "", AtMost(5.0)),
    row("history", "1,000,000 ended runs: `history(id)`", "ms", "", AtMost(5.0)),
    row("history-tail", "the same while the log is fresh", "ms", "", AtMost(5.0)),
    row(
        "growth-steps",
        "processor time of a step, in runs of 10 to 100,000: the dearest",
        "ns",
        "the cheapest",
        AtMost(1.5),
    ),
    row("growth-flight", "the same with 10 to 100,000 runs at work", "ns", "the cheapest", AtMost(1.5)),
    row("growth-waiting", "the same beside 10 to 100,000 runs that wait", "ns", "the cheapest", AtMost(1.5)),
];

/// Rows that are measured together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Group {
    Steps,
    Latency,
    Unsynced,
    Blobs,
    BlobRead,
    Parked,
    Recovery,
    Asleep,
    History,
    GrowthSteps,
    GrowthFlight,
    GrowthWaiting,
}

pub(crate) const GROUPS: &[Group] = &[
    Group::Steps,
    Group::Latency,
    Group::Unsynced,
    Group::Blobs,
    Group::BlobRead,
    Group::Parked,
    Group::Recovery,
    Group::Asleep,
    Group::History,
    Group::GrowthSteps,
    Group::GrowthFlight,
    Group::GrowthWaiting,
];

impl Group {
    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Group::Steps => &["steps-512", "steps-64", "syncs", "processor"],
            Group::Latency => &["latency", "latency-pure"],
            Group::Unsynced => &["unsynced"],
            Group::Blobs => &["blobs", "blobs-written"],
            Group::BlobRead => &["blob-read"],
            Group::Parked => &["parked"],
            Group::Recovery => &["open-tail", "recovery"],
            Group::Asleep => &["asleep-memory", "asleep-started", "asleep-disk", "asleep-open", "asleep-wake"],
            Group::History => &["list", "history", "history-tail"],
            Group::GrowthSteps => &["growth-steps"],
            Group::GrowthFlight => &["growth-flight"],
            Group::GrowthWaiting => &["growth-waiting"],
        }
    }

    /// In the full form, and with `--quick`.
    pub(crate) fn rounds(self) -> (usize, usize) {
        match self {
            Group::Steps | Group::Unsynced => (5, 2),
            Group::Latency | Group::Blobs => (5, 3),
            Group::Asleep => (1, 1),
            Group::BlobRead | Group::Parked | Group::Recovery | Group::History => (3, 1),
            Group::GrowthSteps | Group::GrowthFlight | Group::GrowthWaiting => (3, 1),
        }
    }

    pub(crate) async fn round(self, bench: &mut Bench) -> Result<()> {
        match self {
            Group::Steps => steps::round(bench).await,
            Group::Latency => latency::round(bench).await,
            Group::Unsynced => unsynced::round(bench).await,
            Group::Blobs => blobs::write(bench).await,
            Group::BlobRead => blobs::read(bench).await,
            Group::Parked => parked::round(bench).await,
            Group::Recovery => recovery::round(bench).await,
            Group::Asleep => asleep::round(bench).await,
            Group::History => history::round(bench).await,
            Group::GrowthSteps => growth::steps(bench).await,
            Group::GrowthFlight => growth::flight(bench).await,
            Group::GrowthWaiting => growth::waiting(bench).await,
        }
    }
}
