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
    Stuck { cause: Cause, back: Option<Cause> },
    /// The code no longer matches its records.
    Diverged { problem: String, back: Option<Cause> },
    /// It took the process down too often.
    Poisoned { crashes: u32, back: Option<Cause> },
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

    /// Why it was rolling back, if it was when it came to what it is now.
    pub(super) fn back(&self) -> Option<Cause> {
        match self {
            Phase::RollingBack { cause } => Some(cause.clone()),
            Phase::Stuck { back, .. } | Phase::Diverged { back, .. } | Phase::Poisoned { back, .. } => back.clone(),
            _ => None,
        }
    }

    /// The phase of a run that goes on after an operator's word.
    pub(super) fn going_on(back: Option<Cause>) -> Phase {
        match back {
            Some(cause) => Phase::RollingBack { cause },
            None => Phase::Forward,
        }
    }

    /// Whether only an operator can make it go on.
    pub(crate) fn is_held_up(&self) -> bool {
        matches!(self, Phase::Stuck { .. } | Phase::Diverged { .. } | Phase::Poisoned { .. })
    }

    /// Whether it goes on by itself.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self, Phase::Forward | Phase::RollingBack { .. })
    }
}
