//! One run's records, added up.

use super::undo::UndoStack;
use super::{ByPosition, Entry, Facts, Inbox, Phase, Since, StepEntry, UndoEntry, UndoState};
use crate::codec::Payload;
use crate::id::{Position, RunId};
use crate::record::{Event, Name, UndoKind};
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

/// What the starter wants besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// When the run fails if it has not ended.
    pub(crate) deadline: Option<Timestamp>,
    /// When it begins.
    pub(crate) begin_at: Option<Timestamp>,
    /// Whom it shares its workflow's `concurrency` with.
    pub(crate) key: Option<String>,
    /// The run that started it.
    pub(crate) parent: Option<RunId>,
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
    pub(crate) options: Options,
    /// The arguments of the present visit.
    pub(crate) input: Payload,
    /// The turn of the run, which begins afresh with `again` and with each state that a machine enters.
    pub(crate) visit: u32,
    /// The state that the run is in, if it has entered one.
    pub(crate) since: Since,
    pub(crate) phase: Phase,
    /// Why it was paused, if it is.
    pub(crate) paused: Option<String>,
    pub(crate) cancel_requested: bool,
    /// A pivot was passed in an earlier visit.
    pub(crate) past_pivot: bool,
    /// The body, or an undo, has done something.
    pub(crate) begun: bool,
    /// The latest moment that the body was told.
    pub(crate) now: Option<Timestamp>,
    /// What the body published last.
    pub(crate) progress: Option<Payload>,
    /// Crashes with an attempt of this run in the air, since its last new fact.
    pub(crate) crashes: u32,
    /// When the last record was written.
    pub(crate) last: Timestamp,
    pub(crate) inbox: Inbox,
    /// How many records have been added up.
    pub(super) applied: u64,
    /// How many groups of the present visit are decided.
    pub(super) decided: usize,
    /// The scopes that were undone and then, on an operator's word, done again.
    pub(super) redone: Vec<Position>,
    /// What the body came to an end of last, if it has begun nothing since.
    pub(super) last_end: Option<Position>,
    pub(super) journal: ByPosition<Entry>,
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
            input: start.input.clone(),
            start,
            options: Options::default(),
            visit: 0,
            since: Since::new(at),
            phase: Phase::Forward,
            paused: None,
            cancel_requested: false,
            past_pivot: false,
            begun: false,
            now: None,
            progress: None,
            crashes: 0,
            last: at,
            inbox: Inbox::default(),
            applied: 1,
            decided: 0,
            redone: Vec::new(),
            last_end: None,
            journal: ByPosition::default(),
            undo: UndoStack::default(),
        })
    }

    /// The run's root scope.
    pub(crate) fn root(&self) -> Position {
        Position::root(self.visit)
    }

    /// Whether it goes on by itself.
    pub(crate) fn goes_on(&self) -> bool {
        self.phase.is_active() && self.paused.is_none()
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

    /// Whether `of` is to be undone when `scope` is: within it, and of a group whose winner is known not the winner's.
    pub(crate) fn belongs(&self, of: &Position, scope: &Position) -> bool {
        if *scope == self.root() {
            // What earlier visits have left, too.
            return true;
        }
        of.is_within(scope)
            && match self.journal.get(scope) {
                Some(Entry::Group { won, .. }) => !of.is_within(&scope.branch(*won)),
                _ => true,
            }
    }

    /// What is undone next in a scope.
    pub(crate) fn next_undo(&self, scope: &Position) -> Option<&UndoEntry> {
        self.undo.last_open(|of| self.belongs(of, scope))
    }

    /// The linked children that a rollback of a scope cancels.
    pub(crate) fn linked_children(&self, scope: &Position) -> Vec<RunId> {
        let open = self.undo.all().iter().filter(|undo| undo.state == UndoState::Open);
        let children = open.filter(|undo| undo.kind == UndoKind::Child && self.belongs(&undo.of, scope));
        children.map(|undo| RunId::from(&*undo.step)).collect()
    }

    /// Whether an operation is in a branch that has lost.
    pub(crate) fn has_lost(&self, at: &Position) -> bool {
        // Most runs have no group that is decided: nothing is looked up for them.
        self.decided > 0
            && at.prefixes().any(|group| match self.journal.get(&group) {
                Some(Entry::Group { won, .. }) => at.is_within(&group) && !at.is_within(&group.branch(*won)),
                _ => false,
            })
    }

    /// Everything that a rollback has undone, has failed to undo, or would undo.
    pub(crate) fn undo_entries(&self) -> &[UndoEntry] {
        self.undo.all()
    }

    /// The undos that a rollback would call as things stand, by step. A step
    /// whose end is open may still need its `unknown` undo.
    pub(crate) fn undos_needed(&self) -> impl Iterator<Item = (&Name, UndoKind)> {
        let open = self.undo.all().iter().filter(|undo| undo.state == UndoState::Open && undo.kind != UndoKind::Child);
        let in_doubt = self.journal.values().filter_map(|entry| match entry {
            Entry::Step(step) if step.is_open_and_unknown() && step.undo_unknown => Some(&step.name),
            _ => None,
        });
        open.map(|undo| (&undo.step, undo.kind)).chain(in_doubt.map(|name| (name, UndoKind::Unknown)))
    }

    /// Whether something in the scope could not be undone.
    pub(crate) fn undo_failed(&self, scope: &Position) -> bool {
        self.undo.all().iter().any(|e| matches!(e.state, UndoState::Failed(_)) && self.belongs(&e.of, scope))
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
        if pivot || (self.past_pivot && *scope == self.root()) { Decision::Stuck } else { Decision::RollBack }
    }

    /// When the run ended, if it has.
    pub(crate) fn ended_at(&self) -> Timestamp {
        self.last
    }

    /// How many records have been added up.
    pub(crate) fn records(&self) -> u64 {
        self.applied
    }

    /// What a retry does again: a pivot that nobody knows the end of, or else a failed step or scope if that is the last
    /// thing that the run did.
    pub(crate) fn last_failure(&self) -> Option<Position> {
        let in_doubt = |entry: &Entry| matches!(entry, Entry::Step(step) if step.is_in_doubt());
        if let Some((at, _)) = self.journal.iter().filter(|(_, entry)| in_doubt(entry)).min_by_key(|(at, _)| *at) {
            return Some(at.clone());
        }
        let ended_last = self.last_end.as_ref()?;
        match self.journal.get(ended_last) {
            Some(Entry::Step(StepEntry { end: Some(Err(_)), .. }) | Entry::Scope { end: Some(Err(_)), .. }) => {
                Some(ended_last.clone())
            }
            _ => None,
        }
    }

    /// How often the operation at a position was begun anew after it had been undone: it is another one each time.
    pub(crate) fn redone(&self, at: &Position) -> u32 {
        let within = self.redone.iter().filter(|scope| at.is_within(scope));
        u32::try_from(within.count()).unwrap_or(u32::MAX)
    }

    /// Whether a step or a scope has failed at a position.
    pub(crate) fn has_failed(&self, at: &Position) -> bool {
        matches!(
            self.journal.get(at),
            Some(Entry::Step(StepEntry { end: Some(Err(_)), .. }) | Entry::Scope { end: Some(Err(_)), .. })
        )
    }

    /// What the attempts of the step at a position, or of an undo, have bound; none if it has ended or is not there.
    pub(crate) fn facts(&self, at: &Position) -> Option<&Facts> {
        match at.undoes() {
            _ if !self.phase.is_active() => None,
            None if !matches!(self.phase, Phase::Forward) => None,
            None => match self.journal.get(at) {
                Some(Entry::Step(step)) if step.end.is_none() => Some(&step.facts),
                _ => None,
            },
            Some(of) => {
                let undo = self.undo.all().iter().rev().find(|undo| undo.of == of);
                undo.filter(|undo| undo.state == UndoState::Open).map(|undo| &undo.facts)
            }
        }
    }

    /// Whether the run is in the middle of a step that has bound facts.
    pub(crate) fn is_within_facts(&self) -> bool {
        let within = |entry: &Entry| matches!(entry, Entry::Step(step) if step.end.is_none() && !step.facts.is_empty());
        self.journal.values().any(within)
    }

    pub(super) fn facts_mut(&mut self, at: &Position) -> Option<&mut Facts> {
        match at.undoes() {
            _ if !self.phase.is_active() => None,
            None if !matches!(self.phase, Phase::Forward) => None,
            None => match self.journal.get_mut(at) {
                Some(Entry::Step(step)) if step.end.is_none() => Some(&mut step.facts),
                _ => None,
            },
            Some(of) => {
                let undo = self.undo.get_mut(&of).filter(|undo| undo.state == UndoState::Open);
                undo.map(|undo| &mut undo.facts)
            }
        }
    }

    /// Forgets what only a run that goes on needs.
    pub(crate) fn shrink(&mut self) {
        if self.phase.has_ended() {
            self.journal = ByPosition::default();
            self.inbox.clear();
            self.undo = UndoStack::default();
        }
    }
}
