//! What a rollback has to undo, and how far it has come.

use super::Facts;
use crate::codec::Payload;
use crate::id::Position;
use crate::record::{Cause, Name, UndoKind};
use crate::time::Timestamp;

/// How far the undo of one step has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UndoState {
    /// It is to be done.
    Open,
    /// It is done.
    Done,
    /// Its last attempt failed.
    Failed(Cause),
}

/// One step that a rollback undoes, with what its undo needs.
#[derive(Debug, Clone)]
pub(crate) struct UndoEntry {
    /// The step's position.
    pub(crate) of: Position,
    /// The step's name, by which its undo is found.
    pub(crate) step: Name,
    pub(crate) kind: UndoKind,
    pub(crate) output: Option<Payload>,
    pub(crate) args: Option<Payload>,
    /// How often the undo was begun.
    pub(crate) attempts: u32,
    /// How often it failed in a way that its retry policy counts.
    pub(crate) failures: u32,
    /// An attempt of the undo has begun and has no recorded end.
    pub(crate) in_air: bool,
    /// When the next attempt begins.
    pub(crate) retry_at: Option<Timestamp>,
    pub(crate) state: UndoState,
    /// What its attempts have bound.
    pub(crate) facts: Facts,
}

/// The undo entries of a run, in order of completion of their steps.
#[derive(Debug, Default)]
pub(super) struct UndoStack {
    entries: Vec<UndoEntry>,
}

impl UndoStack {
    pub(super) fn push(
        &mut self,
        of: Position,
        step: Name,
        kind: UndoKind,
        output: Option<Payload>,
        args: Option<Payload>,
    ) {
        self.entries.push(UndoEntry {
            of,
            step,
            kind,
            output,
            args,
            attempts: 0,
            failures: 0,
            in_air: false,
            retry_at: None,
            state: UndoState::Open,
            facts: Facts::default(),
        });
    }

    /// What is undone next of what belongs: of what is open, the last that was completed.
    pub(super) fn last_open(&self, belongs: impl Fn(&Position) -> bool) -> Option<&UndoEntry> {
        self.entries.iter().rev().find(|entry| entry.state == UndoState::Open && belongs(&entry.of))
    }

    pub(super) fn get_mut(&mut self, of: &Position) -> Option<&mut UndoEntry> {
        self.entries.iter_mut().rev().find(|entry| entry.of == *of)
    }

    pub(super) fn all(&self) -> &[UndoEntry] {
        &self.entries
    }

    /// Every attempt that was in the air has ended, nobody knows how.
    pub(super) fn land(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.in_air = false);
    }

    /// Drops the entries that are done and belong.
    pub(super) fn settle(&mut self, belongs: impl Fn(&Position) -> bool) {
        self.entries.retain(|entry| entry.state != UndoState::Done || !belongs(&entry.of));
    }

    /// Takes an entry back: its step is to be attempted again.
    pub(super) fn withdraw(&mut self, of: &Position) -> Option<UndoEntry> {
        let at = self.entries.iter().rposition(|entry| entry.of == *of)?;
        Some(self.entries.remove(at))
    }

    /// What has failed is to be done again.
    pub(super) fn reopen(&mut self) {
        for entry in &mut self.entries {
            if matches!(entry.state, UndoState::Failed(_)) {
                entry.state = UndoState::Open;
                entry.failures = 0;
                entry.retry_at = None;
            }
        }
    }
}
