//! What others see of a run: what is durable, and nothing else.

use crate::codec::Payload;
use crate::engine::Error;
use crate::id::Lsn;
use crate::record::{Name, Reason};
use crate::run::{Phase, RunState};

/// A durable phase, as others see it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The last record that it shows.
    pub(super) at: Lsn,
    pub(crate) phase: Phase,
    pub(crate) paused: Option<String>,
    pub(crate) progress: Option<Payload>,
    /// Where it stands, if it is a machine's.
    pub(crate) state: StateSeen,
}

/// A state that a run has entered.
#[derive(Debug, Clone)]
pub(crate) struct StateSeen {
    pub(crate) visit: u32,
    /// Its name, and why it was entered; none of the first one.
    pub(crate) state: Option<(Name, Reason)>,
    pub(crate) value: Payload,
}

impl Shown {
    pub(super) fn of(state: &RunState, at: Lsn) -> Shown {
        let (phase, paused, progress) = (state.phase.clone(), state.paused.clone(), state.progress.clone());
        Shown { at, phase, paused, progress, state: StateSeen::of(state) }
    }

    /// Whether the run goes on by itself.
    pub(crate) fn goes_on(&self) -> bool {
        self.phase.is_active() && self.paused.is_none()
    }
}

impl StateSeen {
    pub(crate) fn of(state: &RunState) -> StateSeen {
        StateSeen { visit: state.visit, state: state.since.state.clone(), value: state.input.clone() }
    }
}

/// What others see of a run.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "each run has one, and while the engine lives it is this one")]
pub(crate) enum Seen {
    /// What is durable.
    Phase(Shown),
    /// The engine ended before the run did, of which this was durable.
    Gone(Error, Box<Shown>),
}

/// Why a run failed or cannot go on, in words.
pub(crate) fn problem(phase: &Phase, state: &RunState) -> Option<String> {
    match phase {
        Phase::Failed { cause } => Some(cause.to_string()),
        Phase::Stuck { cause, .. } => {
            let failed = state.undo_entries().iter().filter_map(|undo| match &undo.state {
                crate::run::UndoState::Failed(why) => Some(format!("; undo of `{}` at {}: {why}", undo.step, undo.of)),
                _ => None,
            });
            Some(format!("{cause}{}", failed.collect::<String>()))
        }
        Phase::Diverged { problem, .. } => Some(problem.clone()),
        Phase::Poisoned { crashes, .. } => Some(format!("took the process down {crashes} times in a row")),
        _ => None,
    }
}
