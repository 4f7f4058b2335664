//! What is recorded of one step.

use super::Facts;
use crate::codec::Payload;
use crate::record::{Cause, Name};
use crate::time::Timestamp;

/// A step's attempts and its end.
#[derive(Debug)]
pub(crate) struct StepEntry {
    /// The step's name.
    pub(crate) name: Name,
    /// A hash of its arguments.
    pub(crate) args: u64,
    /// How often its body was begun.
    pub(crate) attempts: u32,
    /// How many attempts failed in a way that its retry policy counts.
    pub(crate) failures: u32,
    /// Which of the run's records its first attempt is.
    pub(crate) since: u64,
    /// An attempt has begun and has no recorded end.
    pub(crate) in_air: bool,
    /// An attempt has ended with nobody knowing what it did.
    pub(crate) unknown: bool,
    /// When the next attempt begins.
    pub(crate) retry_at: Option<Timestamp>,
    /// How it ended: its output, or why there is none.
    pub(crate) end: Option<Result<Payload, Cause>>,
    /// What its attempts have bound.
    pub(crate) facts: Facts,
    pub(super) pivot: bool,
    pub(super) undo_done: bool,
    pub(super) undo_unknown: bool,
    pub(super) undo_args: Option<Payload>,
}

impl StepEntry {
    /// Whether something may have happened that only its `unknown` undo can settle.
    pub(crate) fn is_open_and_unknown(&self) -> bool {
        self.end.is_none() && (self.unknown || self.in_air)
    }

    /// Whether it is a pivot that ended with nobody knowing whether it has happened.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.pivot && self.unknown && matches!(self.end, Some(Err(_)))
    }

    /// Whether it is a pivot that has happened, or may have, or may be happening.
    pub(crate) fn is_live_pivot(&self) -> bool {
        self.pivot
            && match &self.end {
                None => self.attempts > 0,
                Some(Ok(_)) => true,
                Some(Err(_)) => self.unknown,
            }
    }
}
