//! The values in events, to be looked at and to be replaced: one list of them for both.

use smallvec::SmallVec;

use super::{Carried, CarriedSignal, CarriedUndo, Cause, ChildEnd, Event};
use crate::codec::Payload;

/// Most events have one value at most.
type Values<P> = SmallVec<[P; 2]>;

/// The values in an event, from a reference or a mutable one: what is bound by the patterns is what it is.
macro_rules! values {
    ($event:expr, $plain:path) => {{
        let mut values = Values::new();
        match $event {
            Event::RunStarted { input: value, .. }
            | Event::StepDone { output: value, .. }
            | Event::ScopeLeft { result: Ok(value) | Err(value), .. }
            | Event::SignalReceived { payload: value, .. }
            | Event::Published { value, .. }
            | Event::ValueDrawn { value, .. }
            | Event::FactBound { value, .. }
            | Event::ChildEnded { end: ChildEnd::Completed { output: value }, .. }
            | Event::ArtifactPut { bytes: value, .. }
            | Event::RunCompleted { output: value } => values.push(value),
            Event::StepAttempted { undo_args, .. } => values.extend(undo_args),
            Event::AttemptFailed { cause, .. }
            | Event::StepFailed { cause, .. }
            | Event::ChildEnded { end: ChildEnd::Failed { cause }, .. }
            | Event::RollbackDecided { cause, .. }
            | Event::CompensationFailed { cause, .. }
            | Event::Stuck { cause: Some(cause) } => match cause {
                Cause::Error { error } | Cause::TimedOut { error } => values.push(error),
                Cause::Panicked { .. }
                | Cause::Unrecordable { .. }
                | Cause::Aborted
                | Cause::Cancelled
                | Cause::NoUndo { .. }
                | Cause::Lost
                | Cause::DeadlineExceeded
                | Cause::Abandoned { .. }
                | Cause::Refused { .. } => {}
            },
            Event::Again { visit: _, input, carried }
            | Event::StateEntered { visit: _, state: _, value: input, reason: _, groups: _, carried } => {
                let Carried { undo, received: _, inbox, senders: _, now: _, progress, past_pivot: _, redone: _ } =
                    $plain(carried);
                values.push(input);
                for CarriedUndo { output, args, .. } in undo {
                    values.extend(output);
                    values.extend(args);
                }
                values.extend(inbox.into_iter().map(|CarriedSignal { payload, .. }| payload));
                values.extend(progress);
            }
            Event::ScopeEntered { .. }
            | Event::TimerSet { .. }
            | Event::TimerFired { .. }
            | Event::SignalConsumed { .. }
            | Event::BranchWon { .. }
            | Event::ChildStarted { .. }
            | Event::ChildEnded { end: ChildEnd::Cancelled | ChildEnd::Forgotten, .. }
            | Event::CompensationStarted { .. }
            | Event::CompensationDone { .. }
            | Event::Stuck { cause: None }
            | Event::Retried { .. }
            | Event::Resolved { .. }
            | Event::Abandoned { .. }
            | Event::CancelRequested {}
            | Event::Paused { .. }
            | Event::Resumed {}
            | Event::Recovered {}
            | Event::Poisoned { .. }
            | Event::Diverged { .. }
            | Event::RunFailed {}
            | Event::RunCancelled {}
            | Event::RunDeleted {}
            | Event::LosersEnded { .. }
            | Event::StartOptions { .. } => {}
        }
        values
    }};
}

impl Event {
    /// The values in it, always in the same order.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = &Payload> {
        let values: Values<&Payload> = values!(self, Box::as_ref);
        values.into_iter()
    }

    /// The values in it, to be replaced, in the same order.
    pub(crate) fn payloads_mut(&mut self) -> impl Iterator<Item = &mut Payload> {
        let values: Values<&mut Payload> = values!(self, Box::as_mut);
        values.into_iter()
    }
}
