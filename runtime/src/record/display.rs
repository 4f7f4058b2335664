//! Events in words, one line each.

use std::fmt;

use super::{Carried, Event, UndoKind};

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Event::RunStarted { id, workflow, version, input, .. } => {
                write!(f, " `{id}`: `{workflow}` version {version} with {input:?}")
            }
            Event::StepAttempted { at, step, attempt, .. } => write!(f, " at {at}: `{step}`, attempt {attempt}"),
            Event::AttemptFailed { at, cause, unknown, .. } | Event::StepFailed { at, cause, unknown } => {
                write!(f, " at {at}: {cause}{}", if *unknown { ", with an unknown end" } else { "" })
            }
            Event::StepDone { at, output } => write!(f, " at {at}: {output:?}"),
            Event::ScopeEntered { at, saga, version, .. } => write!(f, " at {at}: `{saga}` version {version}"),
            Event::ScopeLeft { at, result: Ok(output) } => write!(f, " at {at}: {output:?}"),
            Event::ScopeLeft { at, result: Err(error) } => write!(f, " at {at}: error {error:?}, undone"),
            Event::FactBound { at, fact, request, asked, value, .. } => {
                write!(f, " at {at}: `{fact}`, request {request:.16} {asked}, {} bytes: {value:?}", value.len())
            }
            Event::TimerSet { at, wake_at } => write!(f, " at {at}: until {wake_at}"),
            Event::TimerFired { at } => write!(f, " at {at}"),
            Event::SignalReceived { signal, payload, .. } => write!(f, ": `{signal}` {payload:?}"),
            Event::SignalConsumed { at, number } => write!(f, " at {at}: number {number}"),
            Event::BranchWon { at, branch } => write!(f, " at {at}: branch {branch}"),
            Event::ChildStarted { at, child, workflow, version, linked, .. } => {
                write!(f, " at {at}: `{child}`, `{workflow}` version {version}")?;
                f.write_str(if *linked { ", linked" } else { "" })
            }
            Event::ChildEnded { at, child, end } => write!(f, " at {at}: `{child}` {end}"),
            Event::Again { visit, input, carried } => {
                let Carried { undo, inbox, .. } = &**carried;
                write!(f, ", visit {visit}, with {input:?}: carries {} undos and {} signals", undo.len(), inbox.len())
            }
            Event::StateEntered { visit, state, value, reason, groups: _, carried } => {
                let (undos, signals) = (carried.undo.len(), carried.inbox.len());
                write!(
                    f,
                    " `{state}`, visit {visit}, by {reason}, with {value:?}: carries {undos} undos and {signals} signals"
                )
            }
            Event::Published { at, value } => write!(f, " at {at}: {value:?}"),
            Event::RollbackDecided { scope, cause } => write!(f, " for {scope}: {cause}"),
            Event::CompensationStarted { of, kind, step, attempt } => {
                let kind = match kind {
                    UndoKind::Compensate => "",
                    UndoKind::Unknown => " after an unknown end",
                    UndoKind::Child => ", a linked child",
                };
                write!(f, " of {of}{kind}: `{step}`, attempt {attempt}")
            }
            Event::CompensationDone { of } => write!(f, " of {of}"),
            Event::CompensationFailed { of, cause, last, .. } => {
                write!(f, " of {of}: {cause}{}", if *last { ", for the last time" } else { "" })
            }
            Event::Stuck { cause: Some(cause) } => write!(f, ": {cause}"),
            Event::Retried { step: Some(step) } => write!(f, " at {step}"),
            Event::Resolved { step, note } => write!(f, " at {step}: {note}"),
            Event::Abandoned { note } => write!(f, ": {note}"),
            Event::Paused { at: Some(at), reason } => write!(f, " at {at}: {reason}"),
            Event::Paused { at: None, reason } => write!(f, ": {reason}"),
            Event::Poisoned { crashes } => write!(f, " after {crashes} crashes"),
            Event::Diverged { at, expected, found, site } => {
                write!(f, " at {at}: recorded {expected}, but the code {found} ({site})")
            }
            Event::ArtifactPut { artifact, bytes } => write!(f, " {artifact}: {} bytes", bytes.len()),
            Event::RunCompleted { output } => write!(f, ": {output:?}"),
            Event::LosersEnded { at } => write!(f, " at {at}"),
            Event::ValueDrawn { at, source, value } => write!(f, " at {at}: `{source}` {value:?}"),
            Event::StartOptions { deadline, begin_at, key, parent, linked } => {
                let told = [
                    deadline.map(|at| format!("deadline {at}")),
                    begin_at.map(|at| format!("begins at {at}")),
                    key.as_ref().map(|key| format!("key `{key}`")),
                    parent
                        .as_ref()
                        .map(|parent| format!("{} `{parent}`", if *linked { "linked to" } else { "child of" })),
                ];
                let told: Vec<String> = told.into_iter().flatten().collect();
                write!(f, ": {}", if told.is_empty() { "none".to_owned() } else { told.join(", ") })
            }
            Event::Stuck { cause: None }
            | Event::Retried { step: None }
            | Event::Resumed {}
            | Event::CancelRequested {}
            | Event::Recovered {}
            | Event::RunFailed {}
            | Event::RunCancelled {}
            | Event::RunDeleted {} => Ok(()),
        }
    }
}
