//! An operator's word: pause, resume, and what becomes of a run that cannot go on by itself.
//!
//! What must always hold: each is a record, acknowledged when it is durable; a run that is told to go on has one task.

use std::sync::Arc;

use super::core::Core;
use super::live::{Inner, LiveRun};
use super::requests::not_active;
use super::{Error, driver};
use crate::id::Position;
use crate::record::{Cause, Event};
use crate::run::{Phase, RunState, UndoState};

/// What it means to have a run go on that could not.
pub(super) fn retried(state: &RunState) -> Event {
    // A rollback does again what it could not undo; what came before that is not done again.
    let forward = matches!(state.phase, Phase::Stuck { back: None, .. });
    let undo_failed = state.undo_failed(&state.root());
    let step = state.last_failure().filter(|_| forward && !undo_failed);
    Event::Retried { step }
}

impl Core {
    /// Stops a run at its next await, until somebody resumes it.
    pub(crate) async fn pause(self: &Arc<Self>, id: &str, reason: String) -> Result<(), Error> {
        self.verb(id, |inner, run| match &inner.state {
            state if state.phase.is_active() && state.paused.is_some() => Ok(Vec::new()),
            state if state.phase.is_active() => Ok(vec![Event::Paused { at: None, reason }]),
            state => Err(not_active(run, state)),
        })
        .await
    }

    /// Has a paused run go on; one that was not paused goes on anyway.
    pub(crate) async fn resume(self: &Arc<Self>, id: &str) -> Result<(), Error> {
        self.verb(id, |inner, run| match &inner.state {
            state if state.phase.has_ended() => Err(not_active(run, state)),
            state if state.paused.is_some() => Ok(vec![Event::Resumed {}]),
            state if state.phase.is_active() => Ok(Vec::new()),
            state => Err(not_active(run, state)),
        })
        .await
    }

    /// Has a run that could not go on try again what it could not do.
    pub(crate) async fn retry(self: &Arc<Self>, id: &str) -> Result<(), Error> {
        self.verb(id, |inner, run| {
            held_up(inner, run)?;
            Ok(vec![retried(&inner.state)])
        })
        .await
    }

    /// Takes an operator's word that what a run could not do, or undo, is settled.
    pub(crate) async fn resolve(self: &Arc<Self>, id: &str, step: &Position, note: String) -> Result<(), Error> {
        self.verb(id, |inner, run| {
            held_up(inner, run)?;
            let state = &inner.state;
            let failed = |undo: &&crate::run::UndoEntry| matches!(undo.state, UndoState::Failed(_));
            let left: Vec<_> = state.undo_entries().iter().filter(failed).collect();
            let resolved = Event::Resolved { step: step.clone(), note };
            let nothing = || Error::NothingToResolve { id: run.id.clone(), step: step.clone() };
            match (&state.phase, left.iter().any(|undo| undo.of == *step)) {
                // With the last one the rollback goes on to its end.
                (_, true) if left.len() == 1 => Ok(vec![resolved, Event::Retried { step: None }]),
                (_, true) => Ok(vec![resolved]),
                (Phase::Stuck { cause, back: None }, false) if state.has_failed(step) => {
                    let decided = Event::RollbackDecided { scope: state.root(), cause: cause.clone() };
                    Ok(vec![resolved, decided, Event::RunFailed {}])
                }
                _ => Err(nothing()),
            }
        })
        .await
    }

    /// Gives a run up that cannot go on: it has failed, and what it did stays as it is.
    pub(crate) async fn abandon(self: &Arc<Self>, id: &str, note: String) -> Result<(), Error> {
        self.verb(id, |inner, run| {
            held_up(inner, run)?;
            let cause = Cause::Abandoned { note: note.clone() };
            let decided = Event::RollbackDecided { scope: inner.state.root(), cause };
            Ok(vec![Event::Abandoned { note }, decided, Event::RunFailed {}])
        })
        .await
    }

    /// Records what an operator says of a run, and has the run go on if it now can.
    pub(super) async fn verb(
        self: &Arc<Self>,
        id: &str,
        says: impl FnOnce(&Inner, &LiveRun) -> Result<Vec<Event>, Error>,
    ) -> Result<(), Error> {
        self.is_open()?;
        let run = self.obtain(id).await?;
        self.journal.room().await?;
        let (last, shown, refused) = {
            let mut inner = run.lock();
            let refused = match says(&inner, &run) {
                Ok(events) => {
                    inner.record(&self.journal, self.now(), events)?;
                    None
                }
                Err(refused) => Some(refused),
            };
            (inner.last, inner.to_show(), refused)
        };
        run.changed.notify_waiters();
        if shown.phase.has_ended() {
            // Whatever begins in its place is recorded behind its end.
            self.flow.leave(run.number);
        }
        // It goes on even if the caller goes away.
        self.go_on(&run);
        self.answer(last, refused).await?;
        run.publish(shown);
        Ok(())
    }

    /// Sets a run going that goes on by itself now, unless it is going.
    pub(super) fn go_on(self: &Arc<Self>, run: &Arc<LiveRun>) {
        let (goes_on, known) = {
            let state = &run.lock().state;
            (state.goes_on(), self.registry.workflow(&state.start.workflow, state.start.version).is_some())
        };
        if goes_on && known {
            driver::launch(self, run.clone());
        }
    }
}

fn held_up(inner: &Inner, run: &LiveRun) -> Result<(), Error> {
    match inner.state.phase.is_held_up() {
        true => Ok(()),
        false => Err(Error::NotHeldUp { id: run.id.clone(), status: run.info_of(inner).status }),
    }
}
