//! The rows, in the order of the table, and what measures them.

mod growth;
mod latency;
mod steps;
mod unsynced;

use crate::Result;
use crate::bench::Bench;
use crate::report::Spec;
use crate::report::Target::{AtLeast, AtMost};

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
    row("growth-steps", "a step, in runs of 10 to 100,000 steps: the dearest", "ns", "the cheapest", AtMost(1.5)),
    row("growth-flight", "a step, 10 to 100,000 runs at work: the dearest", "ns", "the cheapest", AtMost(1.5)),
    row("growth-waiting", "a step beside 10 to 100,000 runs that wait: the dearest", "ns", "the cheapest", AtMost(1.5)),
];

/// Rows that are measured together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Group {
    Steps,
    Latency,
    Unsynced,
    GrowthSteps,
    GrowthFlight,
    GrowthWaiting,
}

pub(crate) const GROUPS: &[Group] =
    &[Group::Steps, Group::Latency, Group::Unsynced, Group::GrowthSteps, Group::GrowthFlight, Group::GrowthWaiting];

impl Group {
    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Group::Steps => &["steps-512", "steps-64", "syncs", "processor"],
            Group::Latency => &["latency", "latency-pure"],
            Group::Unsynced => &["unsynced"],
            Group::GrowthSteps => &["growth-steps"],
            Group::GrowthFlight => &["growth-flight"],
            Group::GrowthWaiting => &["growth-waiting"],
        }
    }

    /// In the full form, and with `--quick`.
    pub(crate) fn rounds(self) -> (usize, usize) {
        match self {
            Group::Steps | Group::Latency | Group::Unsynced => (5, 3),
            Group::GrowthSteps | Group::GrowthFlight | Group::GrowthWaiting => (3, 1),
        }
    }

    pub(crate) async fn round(self, bench: &mut Bench) -> Result<()> {
        match self {
            Group::Steps => steps::round(bench).await,
            Group::Latency => latency::round(bench).await,
            Group::Unsynced => unsynced::round(bench).await,
            Group::GrowthSteps => growth::steps(bench).await,
            Group::GrowthFlight => growth::flight(bench).await,
            Group::GrowthWaiting => growth::waiting(bench).await,
        }
    }
}
