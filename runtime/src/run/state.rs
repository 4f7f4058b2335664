//! One run's records, added up.

use std::collections::HashMap;

use super::undo::UndoStack;
use super::{Inbox, Phase, StepEntry, UndoEntry, UndoState};
use crate::codec::Payload;
use crate::id::{Position, RunId};
use crate::record::{Cause, Event, Name, UndoKind};
use crate::time::Timestamp;

/// An event that cannot follow what came before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{event}\" cannot follow: {reason}")]
pub(crate) struct Illegal {
    pub(crate) event: &'static str,
    pub(crate) reason: String,
}

/// How a run began.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) id: RunId,
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    pub(crate) fingerprint: u64,
    pub(crate) origin: [u8; 16],
    pub(crate) origin_run: u64,
    pub(crate) input: Payload,
    pub(crate) at: Timestamp,
}

/// What is recorded at a position.
#[derive(Debug)]
pub(crate) enum Entry {
    Step(StepEntry),
    Scope { saga: Name, version: u32, args: u64, rollback: Option<Cause>, end: Option<Result<Payload, Payload>> },
    Timer { wake_at: Timestamp, fired: bool },
    Signal { name: Name, payload: Payload },
}

/// What a failure of a scope leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Undo what the scope did.
    RollBack,
    /// A pivot in it has happened, or may have: nothing is undone behind anybody's back.
    Stuck,
}

/// The state of one run.
#[derive(Debug)]
pub(crate) struct RunState {
    pub(crate) start: Start,
    pub(crate) phase: Phase,
    pub(crate) cancel_requested: bool,
    /// Crashes with an attempt of this run in the air, since its last new fact.
    pub(crate) crashes: u32,
    /// When the last record was written.
    pub(crate) last: Timestamp,
    pub(crate) inbox: Inbox,
    /// How many records have been added up.
    pub(super) applied: u64,
    pub(super) journal: HashMap<Position, Entry>,
    pub(super) undo: UndoStack,
}

impl RunState {
    /// The state after a run's first record.
    pub(crate) fn new(event: &Event, at: Timestamp) -> Result<RunState, Illegal> {
        let Event::RunStarted { id, workflow, version, fingerprint, origin, origin_run, input } = event else {
            return Err(Illegal { event: event.name(), reason: "the run has not been started".to_owned() });
        };
        let start = Start {
            id: id.clone(),
            workflow: workflow.clone(),
            version: *version,
            fingerprint: *fingerprint,
            origin: *origin,
            origin_run: *origin_run,
            input: input.clone(),
            at,
        };
        Ok(RunState {
            start,
            phase: Phase::Forward,
            cancel_requested: false,
            crashes: 0,
            last: at,
            inbox: Inbox::default(),
            applied: 1,
            journal: HashMap::new(),
            undo: UndoStack::default(),
        })
    }

    /// The run's root scope.
    pub(crate) fn root(&self) -> Position {
        Position::root(0)
    }

    /// What is recorded at a position.
    pub(crate) fn entry(&self, at: &Position) -> Option<&Entry> {
        self.journal.get(at)
    }

    /// The step that is recorded at a position.
    pub(crate) fn step(&self, at: &Position) -> Option<&StepEntry> {
        match self.journal.get(at) {
            Some(Entry::Step(step)) => Some(step),
            _ => None,
        }
    }

    /// Every position that has a record.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (&Position, &Entry)> {
        self.journal.iter()
    }

    /// What is undone next in a scope.
    pub(crate) fn next_undo(&self, scope: &Position) -> Option<&UndoEntry> {
        self.undo.next(scope)
    }

    /// Everything that a rollback has undone, has failed to undo, or would undo.
    pub(crate) fn undo_entries(&self) -> &[UndoEntry] {
        self.undo.all()
    }

    /// The undos that a rollback would call as things stand, by step. A step
    /// whose end is open may still need its `unknown` undo.
    pub(crate) fn undos_needed(&self) -> impl Iterator<Item = (&Name, UndoKind)> {
        let open = self.undo.all().iter().filter(|undo| undo.state == UndoState::Open);
        let in_doubt = self.journal.values().filter_map(|entry| match entry {
            Entry::Step(step) if step.is_open_and_unknown() && step.undo_unknown => Some(&step.name),
            _ => None,
        });
        open.map(|undo| (&undo.step, undo.kind)).chain(in_doubt.map(|name| (name, UndoKind::Unknown)))
    }

    /// Whether something in the scope could not be undone.
    pub(crate) fn undo_failed(&self, scope: &Position) -> bool {
        self.undo.all().iter().any(|e| matches!(e.state, UndoState::Failed(_)) && e.of.is_within(scope))
    }

    /// Whether an attempt, of a step or of an undo, has begun and not ended.
    pub(crate) fn attempt_in_air(&self) -> bool {
        self.undo.all().iter().any(|undo| undo.in_air)
            || self.journal.values().any(|entry| matches!(entry, Entry::Step(step) if step.in_air))
    }

    /// What a failure of `scope` leads to.
    pub(crate) fn decide(&self, scope: &Position) -> Decision {
        let pivot = self
            .journal
            .iter()
            .any(|(at, entry)| matches!(entry, Entry::Step(step) if step.is_live_pivot()) && at.is_within(scope));
        if pivot { Decision::Stuck } else { Decision::RollBack }
    }

    /// When the run ended, if it has.
    pub(crate) fn ended_at(&self) -> Timestamp {
        self.last
    }

    /// How many records have been added up.
    pub(crate) fn records(&self) -> u64 {
        self.applied
    }

    /// Forgets what only a run that goes on needs.
    pub(crate) fn shrink(&mut self) {
        self.journal = HashMap::new();
        if self.phase.has_ended() {
            self.inbox.clear();
            self.undo = UndoStack::default();
        }
    }
}
