//! What may go on at once, and how often: places of runs, and the rates of steps.
//!
//! What must always hold: of a workflow with a `concurrency` no more runs are under way than that, but for those
//! that were under way already when the engine came to know of it; whoever waits gets the next place in the order of
//! the starts; nothing here takes another lock, so that all of it can be asked under any.

mod rate;
mod slots;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

pub(super) use rate::Bucket;
use slots::{Lane, Slots};

use super::registry::Registry;
use crate::id::RunNumber;
use crate::run::RunState;
use crate::step::{RateLimit, StepMeta};
use crate::time::Timestamp;

/// The flow control of an engine.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    slots: Mutex<Slots>,
    rates: Mutex<HashMap<&'static str, Arc<Bucket>>>,
}

impl Flow {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run is there: one that has done something has its place, one that may begin gets one or waits for it. One
    /// that begins later, or goes on only when somebody says so, comes when it does.
    pub(crate) fn enter(&self, registry: &Registry, number: RunNumber, state: &RunState, now: Timestamp) {
        let Some(lane) = lane(registry, state).filter(|_| !state.phase.has_ended()) else { return };
        let delayed = state.options.begin_at.is_some_and(|at| at > now);
        if state.begun {
            self.slots().hold(number, lane);
        } else if state.goes_on() && !delayed {
            wake(self.slots().join(number, lane));
        }
    }

    /// Waits for a run's place. Gives nothing to wait for if its workflow has no limit, or it has its place.
    pub(super) fn turn(&self, registry: &Registry, number: RunNumber, state: &RunState) -> Option<Turn<'_>> {
        let lane = lane(registry, state)?;
        let mut slots = self.slots();
        if state.begun {
            slots.hold(number, lane);
        } else {
            let woken = slots.join(number, lane);
            if !slots.holds(number) {
                drop(slots);
                wake(woken);
                return Some(Turn { flow: self, number });
            }
        }
        None
    }

    /// A run has ended, or has stopped before it did anything: its place is another's.
    pub(crate) fn leave(&self, number: RunNumber) {
        let woken = self.slots().leave(number);
        wake(woken);
    }

    /// A run has stopped: it waits no more, but keeps the place that it has.
    pub(crate) fn step_back(&self, number: RunNumber) {
        let woken = self.slots().step_back(number);
        wake(woken);
    }

    /// Whether a run has a place, or waits for one.
    pub(crate) fn knows(&self, number: RunNumber) -> bool {
        self.slots().knows(number)
    }

    /// What keeps the attempts of a step apart.
    pub(super) fn bucket(&self, step: &'static StepMeta, limit: RateLimit) -> Arc<Bucket> {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.entry(step.name).or_insert_with(|| Arc::new(Bucket::new(limit.limit, limit.per))).clone()
    }
}

/// Whom a run shares its places with.
fn lane(registry: &Registry, state: &RunState) -> Option<Lane> {
    let start = &state.start;
    let meta = registry.workflow(&start.workflow, start.version)?.meta();
    let limit = meta.concurrency?;
    Some(Lane { workflow: meta.name, version: meta.version, key: state.options.key.clone(), limit })
}

fn wake(woken: Vec<Waker>) {
    woken.into_iter().for_each(Waker::wake);
}

/// A wait for a place. It may be dropped: the run keeps its place in the order.
pub(super) struct Turn<'f> {
    flow: &'f Flow,
    number: RunNumber,
}

impl Future for Turn<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        // What it replaces is dropped without the lock.
        let (ready, _before) = self.flow.slots().look(self.number, waker);
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }
}
