//! What is the matter with a stuck run, read off its state.

use super::outcome::{Failure, failure_of};
use crate::codec::Recordable;
use crate::id::Position;
use crate::record::{Cause, UndoKind};
use crate::run::{Entry, Phase, RunState, UndoState};

/// An undo that is not done.
pub(crate) struct Undo {
    pub(crate) step: String,
    pub(crate) at: Position,
    pub(crate) kind: UndoKind,
    /// Why its last attempt failed; none if nobody has tried.
    pub(crate) error: Option<String>,
}

/// The undos that are not done, in order of completion of their steps.
pub(crate) fn not_undone(state: &RunState) -> Vec<Undo> {
    let open = state.undo_entries().iter().filter(|undo| undo.state != UndoState::Done);
    let undos = open.map(|undo| Undo {
        step: undo.step.clone().into_owned(),
        at: undo.of.clone(),
        kind: undo.kind,
        error: match &undo.state {
            UndoState::Failed(cause) => Some(cause.to_string()),
            _ => None,
        },
    });
    undos.collect()
}

/// Why a stuck run failed. An error that is not the run's own, or is of another type by now, is given in words.
pub(crate) fn stuck_on<E: Recordable>(state: &RunState, cause: &Cause) -> Failure<E> {
    let in_words = || Failure::Other { reason: cause.to_string() };
    match is_inner(state) && cause.error().is_some() {
        true => in_words(),
        false => failure_of(cause).unwrap_or_else(|_| in_words()),
    }
}

/// Whether a run has stuck before its body ended: on a saga or on branches inside it, whose error is of another type,
/// or on a pivot of which nobody knows, with the pivot's error.
fn is_inner(state: &RunState) -> bool {
    matches!(state.phase, Phase::Stuck { back: None, .. })
        && state.positions().any(|(_, entry)| match entry {
            Entry::Scope { end, .. } => end.is_none(),
            Entry::Group { rollback, ended, .. } => rollback.is_some() && !ended,
            Entry::Step(step) => step.is_live_pivot() && matches!(step.end, Some(Err(_))),
            _ => false,
        })
}

/// The step that failed after a pivot, if that is why the run is stuck.
pub(crate) fn failed_step(state: &RunState) -> Option<Position> {
    let forward = matches!(state.phase, Phase::Stuck { back: None, .. });
    state.last_failure().filter(|_| forward && !state.undo_failed(&state.root()))
}
