//! Where a run stands.

use crate::codec::Payload;
use crate::record::Cause;

/// Which way a run goes, or how it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its body runs.
    Forward,
    /// Everything it did is being undone.
    RollingBack { cause: Cause },
    /// It cannot go on by itself: something failed after a pivot, or could not be undone.
    Stuck { cause: Cause },
    /// The code no longer matches its records.
    Diverged { problem: String },
    /// It took the process down too often.
    Poisoned { crashes: u32 },
    /// It succeeded.
    Completed { output: Payload },
    /// It failed and is undone.
    Failed { cause: Cause },
    /// It was cancelled and is undone.
    Cancelled,
}

impl Phase {
    /// Whether it has an outcome: nothing more will ever happen to it.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self, Phase::Completed { .. } | Phase::Failed { .. } | Phase::Cancelled)
    }

    /// Whether it goes on by itself.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self, Phase::Forward | Phase::RollingBack { .. })
    }
}
