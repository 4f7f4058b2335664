//! The embedded engine as a [`Host`]: how each durable operation is recorded and done.
//!
//! What must always hold: before an effect, everything that the run recorded
//! earlier is durable; an operation whose end is recorded is not done again;
//! what a body must not see (a cancel, a shutdown, a divergence) interrupts it
//! by a future that never completes, with the reason left for the driver.

mod attempt;
mod carry;
mod child;
mod facts;
mod group;
mod rollback;
mod scope;
mod step;
mod turn;
mod value;
mod wait;

use std::convert::Infallible;
use std::future::{Future, pending};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

pub(super) use rollback::RolledBack;

use super::Error;
use super::core::Core;
use super::host::{Draw, Entered, GroupKind, Host, NewChild, Recorded, Wake};
use super::live::{Inner, Interrupt, LiveRun};
use super::stop::Stage;
use crate::codec::{BlobError, Payload};
use crate::id::{Position, RunId};
use crate::io::Redaction;
use crate::plan::WorkflowMeta;
use crate::platform::BoxFuture;
use crate::record::{Cause, ChildEnd, Event};
use crate::run::Decision;
use crate::step::{ErasedStep, Site};

/// Performs the operations of one run. Cheap to clone: what all runs share is not touched.
#[derive(Clone)]
pub(super) struct Performer(Arc<Performing>);

/// What a [`Performer`] is made of.
pub(super) struct Performing {
    pub(super) core: Arc<Core>,
    pub(super) run: Arc<LiveRun>,
}

impl Deref for Performer {
    type Target = Performing;

    fn deref(&self) -> &Performing {
        &self.0
    }
}

impl Performer {
    pub(super) fn new(core: &Arc<Core>, run: &Arc<LiveRun>) -> Performer {
        Performer(Arc::new(Performing { core: core.clone(), run: run.clone() }))
    }

    /// An operation, known while the body waits for it.
    pub(in crate::engine) fn counted<'a, T: 'a>(
        &'a self,
        at: &Position,
        site: Option<Site>,
        operation: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        self.run.counted(at, site, operation)
    }

    /// Leaves the driver a reason, and never completes. In a branch that has lost, the branch alone stops.
    async fn interrupt(&self, at: &Position, why: Interrupt) -> Infallible {
        self.run.interrupt(at, why).await
    }

    /// The engine has failed under the run: nothing more is done.
    async fn broken(&self, error: Error) -> Infallible {
        self.run.lock().interrupt = Some(Interrupt::Engine(error));
        pending().await
    }

    /// Waits until everything that the run recorded is durable.
    pub(in crate::engine) async fn barrier(&self) {
        let last = self.run.lock().last;
        if let Err(error) = self.core.journal.durable(last).await {
            self.broken(error.into()).await;
        }
    }

    /// Queues events with what is pending.
    async fn record(&self, events: impl IntoIterator<Item = Event>) {
        let recorded = self.run.lock().record(&self.core.journal, self.core.now(), events);
        if let Err(error) = recorded {
            self.broken(error).await;
        }
    }

    /// Applies an outcome that is queued with what follows from it.
    fn hold(&self, event: Event) {
        self.run.lock().hold(self.core.now(), event);
    }

    /// A value that is about to be recorded; a large one is in the arena, durable, when this returns.
    async fn settle(&self, payload: Payload) -> Payload {
        match self.core.settle(payload).await {
            Ok(payload) => payload,
            Err(error) => match self.broken(error).await {},
        }
    }

    /// As [`settle`](Self::settle), for the error in a cause.
    async fn settle_cause(&self, cause: Cause) -> Cause {
        match cause {
            Cause::Error { error } => Cause::Error { error: self.settle(error).await },
            Cause::TimedOut { error } => Cause::TimedOut { error: self.settle(error).await },
            other => other,
        }
    }

    /// The body goes beyond what is recorded: from here its events are heard, and what it awaits is done. That begins
    /// when every branch of it has come so far, so that a body that does not fit its records does nothing.
    async fn go_live(&self, at: &Position, site: Site, awaits: impl FnOnce() -> String) {
        self.go_on(at).await;
        if let Some(why) = self.run.beyond(at, site, awaits) {
            self.interrupt(at, why).await;
        }
    }

    /// As [`go_live`](Self::go_live), for what has been begun before.
    async fn go_on(&self, at: &Position) {
        loop {
            let changed = self.run.changed.notified();
            if !self.run.lock().replaying {
                return;
            }
            // Something else has stopped the body already: it goes nowhere.
            let stopped = self.run.lock().interrupt.clone();
            if let Some(why) = stopped {
                self.interrupt(at, why).await;
            }
            // The driver mutes whole polls: what follows begins with the next one.
            changed.await;
        }
    }

    /// Why nothing new may begin now, if so. A rollback heeds shutdowns and pauses alone.
    pub(in crate::engine) fn halted(&self, inner: &Inner, at: &Position, shielded: bool) -> Option<Interrupt> {
        if self.core.stop.stage() >= Stage::Parking {
            return Some(Interrupt::Shutdown);
        }
        if let Some(why) = inner.interrupt.as_ref().filter(|why| !shielded || why.stops_rollbacks()) {
            return Some(why.clone());
        }
        let state = &inner.state;
        if state.paused.is_some() {
            return Some(Interrupt::Pause);
        }
        if shielded {
            return None;
        }
        if state.cancel_requested || state.has_lost(at) {
            return Some(Interrupt::Cancel);
        }
        let late = state.options.deadline.is_some_and(|deadline| deadline <= self.core.now());
        // Behind a pivot nothing is undone because it took long.
        (late && state.decide(&state.root()) == Decision::RollBack).then_some(Interrupt::Fail(Cause::DeadlineExceeded))
    }

    /// Stops the body here if nothing new may begin.
    async fn heed(&self, at: &Position, shielded: bool) {
        let halted = self.halted(&self.run.lock(), at, shielded);
        if let Some(why) = halted {
            self.interrupt(at, why).await;
        }
    }

    /// Waits for `future`, and stops the body when nothing new may begin meanwhile.
    async fn heeding<T>(&self, at: &Position, shielded: bool, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            let changed = self.run.changed.notified();
            self.heed(at, shielded).await;
            tokio::select! {
                biased;
                value = &mut future => return value,
                () = changed => {}
                () = self.core.stop.reached(Stage::Parking) => {}
            }
        }
    }

    /// Records that the code does not match what is recorded at `at`, as the operation at `here` has found, and stops
    /// the body.
    async fn divergence(
        &self,
        here: &Position,
        at: Position,
        site: Site,
        expected: String,
        found: String,
    ) -> Infallible {
        self.run.divergence(here, at, site, expected, found).await
    }
}

impl Host for Performer {
    fn redaction(&self) -> &Redaction {
        &self.core.outside.redaction
    }

    fn step<'a>(&'a self, at: Position, site: Site, step: &'a mut dyn ErasedStep) -> BoxFuture<'a, Recorded> {
        Box::pin(self.perform_step(at, site, step))
    }

    fn sleep(&self, at: Position, site: Site, wake: Wake) -> BoxFuture<'_, ()> {
        self.counted(&at.clone(), Some(site), self.perform_sleep(at, site, wake))
    }

    fn signal(
        &self,
        at: Position,
        site: Site,
        name: &'static str,
        limit: Option<Duration>,
    ) -> BoxFuture<'_, Option<Payload>> {
        self.counted(&at.clone(), Some(site), self.perform_signal(at, site, name, limit))
    }

    fn has_signal(&self, group: &Position, names: &[&str]) -> bool {
        let state = &self.run.lock().state;
        state.entry(group).is_none() && names.iter().any(|name| state.inbox.next(name).is_some())
    }

    fn draw(&self, at: Position, site: Site, draw: Draw) -> BoxFuture<'_, Payload> {
        self.counted(&at.clone(), Some(site), self.perform_draw(at, site, draw))
    }

    fn spawn(&self, at: Position, site: Site, child: NewChild) -> BoxFuture<'_, RunId> {
        self.counted(&at.clone(), Some(site), self.start_child(at, site, child))
    }

    fn child(&self, at: Position, site: Site, child: RunId) -> BoxFuture<'_, ChildEnd> {
        self.counted(&at.clone(), Some(site), self.await_child(at, site, child))
    }

    fn pause(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, ()> {
        self.counted(&at.clone(), Some(site), self.perform_pause(at, site, reason))
    }

    fn publish(&self, at: Position, site: Site, value: Payload) -> BoxFuture<'_, ()> {
        self.counted(&at.clone(), Some(site), self.perform_publish(at, site, value))
    }

    fn again(
        &self,
        at: Position,
        site: Site,
        saga: &'static WorkflowMeta,
        input: Payload,
    ) -> BoxFuture<'_, Infallible> {
        self.counted(&at.clone(), Some(site), self.begin_again(at, site, saga, input))
    }

    fn enter(&self, at: Position, site: Site, saga: &'static WorkflowMeta, args: u64) -> BoxFuture<'_, Entered> {
        self.counted(&at.clone(), Some(site), self.enter_scope(at, site, saga, args))
    }

    fn leave(&self, at: Position, result: Recorded) -> BoxFuture<'_, Recorded> {
        self.counted(&at.clone(), None, self.leave_scope(at, result))
    }

    fn group(&self, at: Position, site: Site, kind: GroupKind, branches: usize) -> BoxFuture<'_, Option<u32>> {
        self.counted(&at.clone(), Some(site), async move { self.run.past_group(&at, site, kind, branches).await })
    }

    fn decide(&self, at: &Position, branch: u32) {
        self.decide_group(at, branch);
    }

    fn has_stopped(&self, branch: &Position) -> bool {
        self.run.lock().has_stopped(branch)
    }

    fn end_losers(&self, at: Position) -> BoxFuture<'_, ()> {
        self.counted(&at.clone(), None, self.undo_losers(at))
    }

    fn leave_group(&self, at: Position, site: Site) -> BoxFuture<'_, ()> {
        self.counted(&at.clone(), None, async move { self.run.check_group(&at, site).await })
    }

    fn order(&self, branches: usize) -> Option<Vec<usize>> {
        self.core.platform.exec.order(branches)
    }

    fn diverge(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible> {
        self.counted(&at.clone(), Some(site), async move {
            let recorded = self.run.lock().describe(&at);
            self.divergence(&at.clone(), at, site, recorded, reason).await
        })
    }

    fn unreadable(&self, at: Position, error: BlobError) -> BoxFuture<'_, Infallible> {
        self.counted(&at.clone(), None, async move {
            let reason = format!("what was recorded at {at} cannot be read: {error}");
            tracing::error!(run_id = %self.run.id, reason, "a run cannot go on in this process");
            self.broken(Error::Unreadable { id: self.run.id.clone(), reason }).await
        })
    }

    fn unrecordable(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible> {
        self.counted(&at.clone(), Some(site), async move {
            let message = format!("at {at}, {site}: {reason}");
            self.interrupt(&at, Interrupt::Fail(Cause::Unrecordable { message })).await
        })
    }
}
