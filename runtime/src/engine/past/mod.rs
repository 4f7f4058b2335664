//! What is recorded of what a body awaits, and whether it is the same: for a live run and for a replay alike.
//!
//! Owns the comparison of the code with the records ([`recall`](LiveRun::recall), and for each sort of operation
//! [`operations`]), and the words in which a difference is told. What must always hold: nothing is recorded here and
//! nothing done; the live engine and a replay come to the same verdict in the same words.

mod operations;

use std::convert::Infallible;
use std::future::{Future, pending};

pub(super) use operations::{ScopePast, SignalPast, StepPast, awaits};

use super::live::{Interrupt, LiveRun};
use crate::id::Position;
use crate::plan::WorkflowMeta;
use crate::platform::BoxFuture;
use crate::record::{Cause, Event};
use crate::run::Entry;
use crate::step::Site;

/// What is said of a body that waits for something which no record would wake after a crash.
pub(super) const FOREIGN: (&str, &str) = (
    "nothing like it",
    "waits for a future that is no durable operation, which a macro in the body hides; \
     await steps, timers, signals and sagas alone",
);

/// The code of a workflow does not match what is recorded of its run.
pub(super) fn misfit(root: Position, meta: &WorkflowMeta, expected: String, found: String) -> Event {
    let Site { file, line, .. } = meta.site;
    let site = format!("{} `{}`, {file}:{line}", meta.kind(), meta.name);
    Event::Diverged { at: root, expected, found, site }
}

/// How deep sagas may nest: each takes some of the stack while it is polled,
/// and some of the bytes that a position may have.
const DEEPEST: usize = 128;

/// What a body that awaits something finds at its position.
enum Found<T> {
    /// Nothing: it is done now.
    Fresh,
    /// The same operation.
    Same(T),
    /// Another operation.
    Other(String),
}

impl LiveRun {
    /// An operation, known while the body waits for it.
    pub(super) fn counted<'a, T: 'a>(
        &'a self,
        at: &Position,
        site: Option<Site>,
        operation: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        let at = at.clone();
        Box::pin(async move {
            let _in_flight = self.operation(at, site);
            operation.await
        })
    }

    /// Leaves the driver a reason, and never completes. In a branch that has lost, the branch alone stops.
    pub(super) async fn interrupt(&self, at: &Position, why: Interrupt) -> Infallible {
        let told = {
            let mut inner = self.lock();
            let alone = !why.is_urgent() && inner.state.has_lost(at);
            match why {
                _ if alone => {}
                why if why.is_urgent() => inner.interrupt = Some(why),
                why => {
                    inner.interrupt.get_or_insert(why);
                }
            }
            inner.stop(at);
            !alone
        };
        if told {
            // Everything else in the run stops, too.
            self.changed.notify_waiters();
        }
        pending().await
    }

    /// The code does not match what is recorded at `at`, as the operation at `here` has found: the body stops.
    pub(super) async fn divergence(
        &self,
        here: &Position,
        at: Position,
        site: Site,
        expected: String,
        found: String,
    ) -> Infallible {
        let event = Event::Diverged { at, expected, found, site: site.to_string() };
        self.interrupt(here, Interrupt::Park(event)).await
    }

    /// What is awaited is what was recorded, but for its arguments.
    async fn other_arguments(&self, at: Position, site: Site, name: String) -> Infallible {
        let found = format!(
            "awaits {name} with others; they must come from what is recorded, and not from a clock, \
             chance or the order of a `HashMap`"
        );
        self.divergence(&at.clone(), at, site, format!("{name} with other arguments"), found).await
    }

    /// Looks at what is recorded where the body is.
    fn look<T>(&self, at: &Position, same: impl FnOnce(&Entry) -> Option<T>) -> Found<T> {
        let mut inner = self.lock();
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
        same: impl FnOnce(&Entry) -> Option<T>,
    ) -> Option<T> {
        let found = self.look(at, same);
        match found {
            Found::Fresh => None,
            Found::Same(value) => Some(value),
            Found::Other(recorded) => {
                match self.divergence(at, at.clone(), site, recorded, format!("awaits {}", awaits())).await {}
            }
        }
    }

    /// Why a body that awaits something for which nothing is recorded does not go on, now that all of it has come so
    /// far: its branch has lost, or something is recorded behind it, or in it.
    pub(super) fn beyond(&self, at: &Position, site: Site, awaits: impl FnOnce() -> String) -> Option<Interrupt> {
        let inner = self.lock();
        if inner.state.has_lost(at) {
            return Some(Interrupt::Cancel);
        }
        let (behind, recorded) = inner.misplaced(at)?;
        let found = format!("awaits {} at {at}, where nothing is recorded", awaits());
        Some(Interrupt::Park(Event::Diverged { at: behind, expected: recorded, found, site: site.to_string() }))
    }

    /// Each level takes some of the stack, and some of the bytes that a position may have.
    pub(super) async fn not_too_deep(&self, at: &Position, site: Site, what: &str) {
        if at.parts().count() > DEEPEST {
            let message = format!("{what} at {site} is nested too deep: {DEEPEST} levels are the most");
            self.interrupt(at, Interrupt::Fail(Cause::Unrecordable { message })).await;
        }
    }
}
