//! The records of a run, by visits: what each begins with, what is recorded in it, and how it ended.
//!
//! What must always hold: a visit's state is what its records add up to just before its end was decided, so that its
//! body finds everything that it was told and nothing that came of it.

use std::collections::HashMap;

use super::ReplayError;
use crate::codec::Payload;
use crate::id::Position;
use crate::record::{Cause, Event, Name};
use crate::run::{Asked, Facts, Illegal, Phase, RunState, UndoState};
use crate::time::Timestamp;

/// One visit of a run: a turn, or a state of a machine.
pub(super) struct Visit {
    pub(super) state: RunState,
    /// What the attempts of steps have bound, those that have ended too.
    pub(super) facts: HashMap<Position, Facts>,
    pub(super) end: VisitEnd,
}

/// How a visit ended, as recorded.
#[derive(Debug, Clone)]
pub(super) enum VisitEnd {
    /// It has not.
    Open,
    /// The run got stuck.
    Stuck(Cause),
    /// The run failed, was cancelled or given up.
    Failed(Cause),
    Completed(Payload),
    /// Another turn followed, with these arguments.
    Again(Payload),
    /// Another state followed.
    Entered {
        state: Name,
        value: Payload,
    },
}

impl VisitEnd {
    /// The end that an event is.
    fn of(event: &Event) -> Option<VisitEnd> {
        match event {
            Event::Again { input, .. } => Some(VisitEnd::Again(input.clone())),
            Event::StateEntered { state, value, .. } => {
                Some(VisitEnd::Entered { state: state.clone(), value: value.clone() })
            }
            Event::RunCompleted { output } => Some(VisitEnd::Completed(output.clone())),
            Event::RollbackDecided { scope, cause } if scope.parts().next().is_none() => {
                Some(VisitEnd::Failed(cause.clone()))
            }
            Event::Abandoned { note } => Some(VisitEnd::Failed(Cause::Abandoned { note: note.clone() })),
            _ => None,
        }
    }
}

/// Sorts the records of a run by its visits.
///
/// # Errors
/// When they do not add up.
pub(super) fn split(records: &[(Timestamp, Event)]) -> Result<Vec<Visit>, ReplayError> {
    let is_turn = |(_, event): &&(Timestamp, Event)| matches!(event, Event::Again { .. } | Event::StateEntered { .. });
    let (first, rest) = records.split_first().ok_or_else(|| broken("there are none"))?;
    let options: Vec<&(Timestamp, Event)> =
        rest.iter().take_while(|(_, event)| matches!(event, Event::StartOptions { .. })).collect();
    let mut visits = Vec::new();
    let mut rest = &rest[options.len()..];
    let mut turn = None;
    loop {
        let (time, event) = first;
        let mut state = RunState::new(event, *time).map_err(illegal)?;
        for (time, event) in options.iter().copied().chain(turn) {
            state.apply(*time, event).map_err(illegal)?;
        }
        let next = rest.iter().position(|record| is_turn(&record));
        let (own, behind) = rest.split_at(next.unwrap_or(rest.len()));
        let turned = behind.first();
        visits.push(visit(state, own, turned.map(|(_, event)| event))?);
        let Some(turned) = turned else { return Ok(visits) };
        (turn, rest) = (Some(turned), &behind[1..]);
    }
}

fn visit(mut state: RunState, records: &[(Timestamp, Event)], turn: Option<&Event>) -> Result<Visit, ReplayError> {
    let mut facts: HashMap<Position, Facts> = HashMap::new();
    let mut end = None;
    for (time, event) in records {
        match event {
            // A failed step that a person has settled is the run's end; an undo is not.
            Event::Resolved { step, .. } if !undo_failed(&state, step) => end = Some(ended_stuck(&state)),
            event => end = VisitEnd::of(event),
        }
        if end.is_some() {
            break;
        }
        match event {
            Event::FactBound { at, fact, request, nth, alone, asked: shown, value } => {
                let asked = Asked { name: &fact.name, request: *request, nth: *nth, alone: *alone };
                facts.entry(at.clone()).or_default().bind(fact.ordinal, asked, shown, value);
            }
            // What was undone and is done again binds anew.
            Event::Retried { step: Some(at) } if state.step(at).is_none() => {
                facts.retain(|of, _| of != at && !of.is_within(at));
            }
            _ => {}
        }
        state.apply(*time, event).map_err(illegal)?;
    }
    let end = match (end, turn.and_then(VisitEnd::of), &state.phase) {
        (Some(end), ..) | (None, Some(end), _) => end,
        (None, None, Phase::Stuck { cause, .. }) => VisitEnd::Stuck(cause.clone()),
        (None, None, _) => VisitEnd::Open,
    };
    // What held it up then does not hold up its replay.
    state.phase = Phase::Forward;
    (state.paused, state.cancel_requested) = (None, false);
    Ok(Visit { state, facts, end })
}

/// Whether the undo of a step has failed.
fn undo_failed(state: &RunState, step: &Position) -> bool {
    state.undo_entries().iter().any(|undo| undo.of == *step && matches!(undo.state, UndoState::Failed(_)))
}

fn ended_stuck(state: &RunState) -> VisitEnd {
    match &state.phase {
        Phase::Stuck { cause, .. } => VisitEnd::Failed(cause.clone()),
        _ => VisitEnd::Failed(Cause::Cancelled),
    }
}

fn illegal(illegal: Illegal) -> ReplayError {
    broken(&illegal.to_string())
}

fn broken(reason: &str) -> ReplayError {
    ReplayError::Records { reason: reason.to_owned() }
}
