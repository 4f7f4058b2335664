//! Events in words, one line each.

use std::fmt;

use super::{Event, UndoKind};

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
            Event::TimerSet { at, wake_at } => write!(f, " at {at}: until {wake_at}"),
            Event::TimerFired { at } => write!(f, " at {at}"),
            Event::SignalReceived { signal, payload, .. } => write!(f, ": `{signal}` {payload:?}"),
            Event::SignalConsumed { at, number } => write!(f, " at {at}: number {number}"),
            Event::RollbackDecided { scope, cause } => write!(f, " for {scope}: {cause}"),
            Event::CompensationStarted { of, kind, step, attempt } => {
                let kind = match kind {
                    UndoKind::Compensate => "",
                    UndoKind::Unknown => " after an unknown end",
                };
                write!(f, " of {of}{kind}: `{step}`, attempt {attempt}")
            }
            Event::CompensationDone { of } => write!(f, " of {of}"),
            Event::CompensationFailed { of, cause, last, .. } => {
                write!(f, " of {of}: {cause}{}", if *last { ", for the last time" } else { "" })
            }
            Event::Stuck { cause: Some(cause) } => write!(f, ": {cause}"),
            Event::Poisoned { crashes } => write!(f, " after {crashes} crashes"),
            Event::Diverged { at, expected, found, site } => {
                write!(f, " at {at}: recorded {expected}, but the code {found} ({site})")
            }
            Event::ArtifactPut { artifact, bytes } => write!(f, " {artifact}: {} bytes", bytes.len()),
            Event::RunCompleted { output } => write!(f, ": {output:?}"),
            Event::Stuck { cause: None }
            | Event::CancelRequested {}
            | Event::Recovered {}
            | Event::RunFailed {}
            | Event::RunCancelled {}
            | Event::RunDeleted {} => Ok(()),
        }
    }
}
