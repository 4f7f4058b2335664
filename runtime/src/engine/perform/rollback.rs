//! Going backwards: undo after undo, each recorded, without a body.

use std::any::Any;
use std::sync::Arc;

use super::attempt::Judged;
use super::wait::known;
use super::{Interrupt, Performer};
use crate::engine::status::WaitingOn;
use crate::id::Position;
use crate::io::caught;
use crate::platform::BoxFuture;
use crate::record::{Cause, Event, UndoKind};
use crate::run::UndoEntry;
use crate::step::{ErasedStep, StepMeta, UndoError, UndoInput, Undoer};

/// How a rollback ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum RolledBack {
    /// Everything is undone.
    Undone,
    /// Everything was tried, and something could not be undone.
    Failed,
}

impl Performer {
    /// Undoes what is open in a scope whose rollback is decided. Shielded from cancels.
    pub(in crate::engine) async fn roll_back(&self, scope: &Position) -> RolledBack {
        self.cancel_children(scope).await;
        loop {
            let next = self.run.lock().state.next_undo(scope).cloned();
            let Some(entry) = next else { break };
            self.heed(scope, true).await;
            match entry.kind {
                UndoKind::Child => self.end_child(scope, entry).await,
                UndoKind::Compensate | UndoKind::Unknown => self.undo(scope, entry).await,
            }
        }
        match self.run.lock().state.undo_failed(scope) {
            true => RolledBack::Failed,
            false => RolledBack::Undone,
        }
    }

    async fn undo(&self, scope: &Position, entry: UndoEntry) {
        let of = entry.of.clone();
        let called = match self.core.registry.step(&entry.step).and_then(|meta| meta.undo) {
            None => Err(format!("no registered workflow has an undo for step `{}`", entry.step)),
            Some(undo) => {
                let undoing = Undoing { performer: self, scope, of: of.clone(), kind: entry.kind };
                let input = UndoInput { kind: entry.kind, output: entry.output, args: entry.args };
                match caught((undo.run)(input, &undoing)).await {
                    // Recorded, as every end of its attempts is.
                    Ok(Ok(()) | Err(UndoError::Failed)) => Ok(()),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(panic) => Err(format!("the undo's expression panicked: {panic}")),
                }
            }
        };
        if let Err(message) = called {
            let cause = Cause::NoUndo { message };
            self.record([Event::CompensationFailed { of, cause, last: true, retry_at: None }]).await;
        }
    }
}

/// The undo of one step, as its compensating call sees it.
struct Undoing<'p> {
    performer: &'p Performer,
    /// What is rolled back: the operation that waits, and that a shutdown or a pause stops.
    scope: &'p Position,
    of: Position,
    kind: UndoKind,
}

impl Undoer for Undoing<'_> {
    fn app(&self) -> Arc<dyn Any + Send + Sync> {
        self.performer.core.app.clone()
    }

    fn run<'a>(&'a self, step: &'a mut dyn ErasedStep) -> BoxFuture<'a, Result<(), UndoError>> {
        Box::pin(self.attempts(step))
    }
}

impl Undoing<'_> {
    /// Attempts of the compensating step, until one succeeds or the last has failed.
    async fn attempts(&self, step: &mut dyn ErasedStep) -> Result<(), UndoError> {
        let performer = self.performer;
        let meta = step.meta();
        let key_at = self.of.undo(self.kind.number().into());
        loop {
            let (attempts, retry_at) = self.progress();
            if let Some(until) = retry_at.filter(|until| *until > performer.core.now()) {
                let on = WaitingOn::Retry { step: known(meta.name), until: until.into() };
                let _visible = performer.visible(self.scope, meta.site, on);
                performer.heeding(self.scope, true, performer.core.timers.until(until)).await;
            }
            performer.heed(self.scope, true).await;
            performer.keep_to_rate(self.scope, meta.site, meta, true).await;
            let (suspect, _alone) = performer.turn(self.scope, true).await;
            let (of, attempt) = (self.of.clone(), attempts + 1);
            let started = Event::CompensationStarted { of, kind: self.kind, step: known(meta.name), attempt };
            performer.record([started]).await;
            if performer.must_wait(meta, suspect) {
                performer.barrier().await;
            }
            let judged = performer.attempt(self.scope, &key_at, attempt, step, true).await;
            let done = self.conclude(meta, judged).await;
            if suspect {
                performer.barrier().await;
            }
            if let Some(done) = done {
                return done;
            }
        }
    }

    /// How often the undo was begun, and when it may begin again.
    fn progress(&self) -> (u32, Option<crate::time::Timestamp>) {
        let inner = self.performer.run.lock();
        let entry = inner.state.undo_entries().iter().rev().find(|entry| entry.of == self.of);
        entry.map_or((0, None), |entry| (entry.attempts, entry.retry_at))
    }

    async fn conclude(&self, meta: &StepMeta, judged: Judged) -> Option<Result<(), UndoError>> {
        let performer = self.performer;
        let of = self.of.clone();
        let (cause, retryable) = match judged {
            Judged::Done(_) => {
                performer.record([Event::CompensationDone { of }]).await;
                return Some(Ok(()));
            }
            Judged::Failed { cause, retryable, .. } => (performer.settle_cause(cause).await, retryable),
        };
        if cause == Cause::Aborted {
            performer.record([Event::CompensationFailed { of, cause, last: false, retry_at: None }]).await;
            match performer.interrupt(self.scope, Interrupt::Shutdown).await {}
        }
        let failures = {
            let inner = performer.run.lock();
            let entry = inner.state.undo_entries().iter().rev().find(|entry| entry.of == self.of);
            entry.map_or(0, |entry| entry.failures) + 1
        };
        let retry_at = if retryable { performer.next_attempt(&meta.retry, failures) } else { None };
        let last = retry_at.is_none();
        performer.record([Event::CompensationFailed { of, cause, last, retry_at }]).await;
        last.then_some(Err(UndoError::Failed))
    }
}
