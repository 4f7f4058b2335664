//! The embedded engine as a [`Host`]: how each durable operation is recorded and done.
//!
//! What must always hold: before an effect, everything that the run recorded
//! earlier is durable; an operation whose end is recorded is not done again;
//! what a body must not see (a cancel, a shutdown, a divergence) interrupts it
//! by a future that never completes, with the reason left for the driver.

mod attempt;
mod rollback;
mod scope;
mod step;
mod wait;

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

pub(super) use attempt::{Caught, caught, panic_text};
pub(super) use rollback::RolledBack;

use super::Error;
use super::core::Core;
use super::host::{Entered, Host, Recorded};
use super::live::{Interrupt, LiveRun};
use super::stop::Stage;
use crate::codec::{BlobError, Payload};
use crate::id::Position;
use crate::plan::WorkflowMeta;
use crate::platform::BoxFuture;
use crate::record::{Cause, Event};
use crate::step::{ErasedStep, Site};

/// Performs the operations of one run.
#[derive(Clone)]
pub(super) struct Performer {
    pub(super) core: Arc<Core>,
    pub(super) run: Arc<LiveRun>,
}

/// What a body that awaits something finds at its position.
enum Found<T> {
    /// Nothing: it is done now.
    Fresh,
    /// The same operation.
    Same(T),
    /// Another operation.
    Other(String),
}

impl Performer {
    /// An operation, counted while the body waits for it.
    fn counted<'a, T: 'a>(&'a self, operation: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
        Box::pin(async move {
            let _in_flight = self.run.operation();
            operation.await
        })
    }

    /// Leaves the driver a reason, and never completes.
    async fn interrupt(&self, why: Interrupt) -> Infallible {
        self.run.lock().interrupt.get_or_insert(why);
        pending().await
    }

    /// Waits until everything that the run recorded is durable.
    async fn barrier(&self) {
        let last = self.run.lock().last;
        if let Err(error) = self.core.journal.durable(last).await {
            self.interrupt(Interrupt::Engine(error.into())).await;
        }
    }

    /// Queues events with what is pending.
    async fn record(&self, events: impl IntoIterator<Item = Event>) {
        let recorded = self.run.lock().record(&self.core.journal, self.run.number, self.core.now(), events);
        if let Err(error) = recorded {
            self.interrupt(Interrupt::Engine(error)).await;
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
            Err(error) => match self.interrupt(Interrupt::Engine(error)).await {},
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

    /// The body goes beyond what is recorded: from here its events are heard.
    async fn go_live(&self) {
        if std::mem::take(&mut self.run.lock().replaying) {
            // The driver mutes whole polls: what follows begins with the next one.
            let mut yielded = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut yielded, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }

    /// Why nothing new may begin now, if so. A rollback heeds shutdowns alone.
    fn halted(&self, shielded: bool) -> Option<Interrupt> {
        if self.core.stop.stage() >= Stage::Parking {
            return Some(Interrupt::Shutdown);
        }
        (!shielded && self.run.lock().state.cancel_requested).then_some(Interrupt::Cancel)
    }

    /// Stops the body here if nothing new may begin.
    async fn heed(&self, shielded: bool) {
        if let Some(why) = self.halted(shielded) {
            self.interrupt(why).await;
        }
    }

    /// Waits for `future`, and stops the body when nothing new may begin meanwhile.
    async fn heeding<T>(&self, shielded: bool, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            let changed = self.run.changed.notified();
            self.heed(shielded).await;
            tokio::select! {
                biased;
                value = &mut future => return value,
                () = changed => {}
                () = self.core.stop.reached(Stage::Parking) => {}
            }
        }
    }

    /// Records that the code does not match the records, and stops the body.
    async fn divergence(&self, at: Position, site: Site, expected: String, found: String) -> Infallible {
        let event = Event::Diverged { at, expected, found, site: site.to_string() };
        self.record([event]).await;
        self.interrupt(Interrupt::Parked).await
    }

    /// What is awaited is what was recorded, but for its arguments.
    async fn other_arguments(&self, at: Position, site: Site, name: String) -> Infallible {
        let found = format!(
            "awaits {name} with others; they must come from what is recorded, and not from a clock, \
             chance or the order of a `HashMap`"
        );
        self.divergence(at, site, format!("{name} with other arguments"), found).await
    }

    /// Looks at what is recorded where the body is.
    fn look<T>(&self, at: &Position, same: impl FnOnce(&crate::run::Entry) -> Option<T>) -> Found<T> {
        let mut inner = self.run.lock();
        let found = match inner.state.entry(at) {
            None => Found::Fresh,
            Some(entry) => match same(entry) {
                Some(value) => Found::Same(value),
                None => Found::Other(inner.describe(at)),
            },
        };
        inner.visit(at);
        found
    }

    /// What is recorded where the body is: nothing, or the same operation. Anything else diverges.
    async fn recall<T>(
        &self,
        at: &Position,
        site: Site,
        awaits: impl FnOnce() -> String,
        same: impl FnOnce(&crate::run::Entry) -> Option<T>,
    ) -> Option<T> {
        let found = self.look(at, same);
        match found {
            Found::Fresh => None,
            Found::Same(value) => Some(value),
            Found::Other(recorded) => {
                match self.divergence(at.clone(), site, recorded, format!("awaits {}", awaits())).await {}
            }
        }
    }
}

impl Host for Performer {
    fn step<'a>(&'a self, at: Position, site: Site, step: &'a mut dyn ErasedStep) -> BoxFuture<'a, Recorded> {
        self.counted(self.perform_step(at, site, step))
    }

    fn sleep(&self, at: Position, site: Site, duration: Duration) -> BoxFuture<'_, ()> {
        self.counted(self.perform_sleep(at, site, duration))
    }

    fn signal(&self, at: Position, site: Site, name: &'static str) -> BoxFuture<'_, Payload> {
        self.counted(self.perform_signal(at, site, name))
    }

    fn enter(&self, at: Position, site: Site, saga: &'static WorkflowMeta, args: u64) -> BoxFuture<'_, Entered> {
        self.counted(self.enter_scope(at, site, saga, args))
    }

    fn leave(&self, at: Position, result: Recorded) -> BoxFuture<'_, Recorded> {
        self.counted(self.leave_scope(at, result))
    }

    fn diverge(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible> {
        self.counted(async move {
            let recorded = self.run.lock().describe(&at);
            self.divergence(at, site, recorded, reason).await
        })
    }

    fn unreadable(&self, at: Position, error: BlobError) -> BoxFuture<'_, Infallible> {
        self.counted(async move {
            let reason = format!("what was recorded at {at} cannot be read: {error}");
            tracing::error!(run_id = %self.run.id, reason, "a run cannot go on in this process");
            self.interrupt(Interrupt::Engine(Error::Unreadable { id: self.run.id.clone(), reason })).await
        })
    }

    fn unrecordable(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible> {
        let message = format!("the result of the saga at {at}, {site}: {reason}");
        self.counted(self.interrupt(Interrupt::Fail(Cause::Unrecordable { message })))
    }
}
