//! The texts in events that say why something is so: one list of them, so that none is recorded unseen.
//!
//! Names, positions and ids are no such texts; values are [`payloads`](super::payloads).

use smallvec::SmallVec;

use super::{Cause, ChildEnd, Event};

/// An event has three at most.
type Texts<'e> = SmallVec<[&'e mut String; 3]>;

impl Event {
    /// The texts in it that say why something is so, to be replaced.
    pub(crate) fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let mut texts = Texts::new();
        match self {
            Event::AttemptFailed { cause, .. }
            | Event::StepFailed { cause, .. }
            | Event::RollbackDecided { cause, .. }
            | Event::CompensationFailed { cause, .. }
            | Event::ChildEnded { end: ChildEnd::Failed { cause }, .. }
            | Event::Stuck { cause: Some(cause) } => texts.extend(cause.text_mut()),
            Event::Diverged { at: _, expected, found, site: _ } => texts.extend([expected, found]),
            Event::Paused { at: _, reason: text }
            | Event::Resolved { step: _, note: text }
            | Event::Abandoned { note: text } => texts.push(text),
            // What is asked for a fact has no secrets in it from the beginning: its digest is made of the same.
            Event::FactBound { .. }
            | Event::RunStarted { .. }
            | Event::StepAttempted { .. }
            | Event::StepDone { .. }
            | Event::ScopeEntered { .. }
            | Event::ScopeLeft { .. }
            | Event::TimerSet { .. }
            | Event::TimerFired { .. }
            | Event::SignalReceived { .. }
            | Event::SignalConsumed { .. }
            | Event::BranchWon { .. }
            | Event::ChildStarted { .. }
            | Event::ChildEnded {
                end: ChildEnd::Completed { .. } | ChildEnd::Cancelled | ChildEnd::Forgotten, ..
            }
            | Event::Again { .. }
            | Event::StateEntered { .. }
            | Event::Published { .. }
            | Event::CompensationStarted { .. }
            | Event::CompensationDone { .. }
            | Event::Stuck { cause: None }
            | Event::Retried { .. }
            | Event::CancelRequested {}
            | Event::Resumed {}
            | Event::Recovered {}
            | Event::Poisoned { .. }
            | Event::RunCompleted { .. }
            | Event::RunFailed {}
            | Event::RunCancelled {}
            | Event::ArtifactPut { .. }
            | Event::RunDeleted {}
            | Event::LosersEnded { .. }
            | Event::ValueDrawn { .. }
            | Event::StartOptions { .. } => {}
        }
        texts.into_iter()
    }
}

impl Cause {
    /// What is said of it, where that is a text.
    pub(crate) fn text_mut(&mut self) -> Option<&mut String> {
        match self {
            Cause::Panicked { message: text }
            | Cause::Unrecordable { message: text }
            | Cause::Refused { message: text }
            | Cause::NoUndo { message: text }
            | Cause::Abandoned { note: text } => Some(text),
            Cause::Error { .. }
            | Cause::TimedOut { .. }
            | Cause::Aborted
            | Cause::Cancelled
            | Cause::Lost
            | Cause::DeadlineExceeded => None,
        }
    }
}
