//! What is recorded at a position.

use super::StepEntry;
use crate::codec::Payload;
use crate::id::RunId;
use crate::record::{Cause, ChildEnd, Name};
use crate::time::Timestamp;

/// What is recorded at a position.
#[derive(Debug)]
pub(crate) enum Entry {
    Step(StepEntry),
    Scope {
        saga: Name,
        version: u32,
        args: u64,
        rollback: Option<Cause>,
        end: Option<Result<Payload, Payload>>,
    },
    /// A timer, or the limit of a wait for a signal.
    Timer {
        wake_at: Timestamp,
        fired: bool,
    },
    Signal {
        number: u64,
        name: Name,
        payload: Payload,
    },
    /// A group of branches that one of them has decided.
    Group {
        won: u32,
        rollback: Option<Cause>,
        ended: bool,
    },
    Drawn {
        source: Name,
        value: Payload,
    },
    Published,
    Child {
        child: RunId,
        workflow: Name,
        version: u32,
        args: u64,
    },
    ChildEnd {
        child: RunId,
        end: ChildEnd,
    },
    /// The body has paused here.
    Pause,
}

impl Entry {
    /// Why what is at this position is being undone, if it is.
    pub(super) fn rollback(&self) -> Option<&Cause> {
        match self {
            Entry::Scope { rollback: Some(cause), end: None, .. }
            | Entry::Group { rollback: Some(cause), ended: false, .. } => Some(cause),
            _ => None,
        }
    }
}
