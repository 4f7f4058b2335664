//! One run in memory: its state, what it is about to record, and what it waits for.
//!
//! What must always hold: every event is applied to the state before it is
//! queued, both under one lock, so that the log and the state have one order;
//! the phase and the outcome that others are shown are durable.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::Error;
use super::status::{RunInfo, Status, Waiting, WaitingOn};
use crate::id::{Lsn, Position, RunId, RunNumber};
use crate::journal::Journal;
use crate::record::{Cause, Event};
use crate::run::{Entry, Phase, RunState};
use crate::time::Timestamp;

/// How many attempts of a run that was in flight at a crash are cautious.
pub(crate) const CAUTIOUS_ATTEMPTS: u32 = 16;

/// Why a body was told to stop.
#[derive(Debug, Clone)]
pub(crate) enum Interrupt {
    /// The run is to be cancelled.
    Cancel,
    /// The engine shuts down.
    Shutdown,
    /// Something failed that no body is told of: the run fails.
    Fail(Cause),
    /// The run was recorded as stuck or diverged.
    Parked,
    /// The run leaves memory while it waits.
    Asleep,
    /// The log takes nothing any more.
    Engine(Error),
}

/// What is under the run's lock.
pub(crate) struct Inner {
    pub(crate) state: RunState,
    /// Applied, but not queued yet: outcomes that wait for what follows from them.
    pending: Vec<Event>,
    /// The last record that was queued.
    pub(crate) last: Lsn,
    pub(crate) interrupt: Option<Interrupt>,
    /// The body gets recorded values: its events are muted.
    pub(crate) replaying: bool,
    /// What was recorded when the body began and it has not come to yet.
    unvisited: HashSet<Position>,
    waits: Vec<(Position, Waiting)>,
    /// It has left memory.
    asleep: bool,
}

/// What others see of a run.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    /// A durable phase.
    Phase(Phase),
    /// The engine ended before the run did.
    Gone(Error),
}

/// One run in memory.
pub(crate) struct LiveRun {
    pub(crate) number: RunNumber,
    pub(crate) id: RunId,
    /// The record that started it.
    pub(crate) started: Lsn,
    inner: Mutex<Inner>,
    /// Something happened that a waiting operation may want to know.
    pub(crate) changed: Notify,
    seen: watch::Sender<Seen>,
    /// So many of its next attempts are durable before they begin, even of pure
    /// steps, so that one that takes the process down is known by it.
    caution: AtomicU32,
    /// Operations that the body waits for.
    operations: AtomicU32,
    /// How many hold it: handles, and requests under way.
    held: AtomicUsize,
}

/// A run that stays in memory while this lives. Made under the lock of the runs.
pub(crate) struct Held(Arc<LiveRun>);

impl Held {
    pub(crate) fn new(run: &Arc<LiveRun>) -> Held {
        run.held.fetch_add(1, Ordering::AcqRel);
        Held(run.clone())
    }
}

impl Deref for Held {
    type Target = Arc<LiveRun>;

    fn deref(&self) -> &Arc<LiveRun> {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Counts one operation until it is dropped.
pub(crate) struct InFlight<'r>(&'r LiveRun);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.operations.fetch_sub(1, Ordering::Relaxed);
    }
}

impl LiveRun {
    /// A run whose first and last records have these LSNs.
    pub(crate) fn new(number: RunNumber, state: RunState, started: Lsn, last: Lsn) -> Arc<LiveRun> {
        let unvisited: HashSet<Position> = state.positions().map(|(at, _)| at.clone()).collect();
        Arc::new(LiveRun {
            number,
            id: state.start.id.clone(),
            started,
            changed: Notify::new(),
            seen: watch::Sender::new(Seen::Phase(state.phase.clone())),
            caution: AtomicU32::new(0),
            operations: AtomicU32::new(0),
            held: AtomicUsize::new(0),
            inner: Mutex::new(Inner {
                replaying: !unvisited.is_empty(),
                state,
                pending: Vec::new(),
                last,
                interrupt: None,
                unvisited,
                waits: Vec::new(),
                asleep: false,
            }),
        })
    }

    /// The body waits for one operation more, until the guard is dropped.
    pub(crate) fn operation(&self) -> InFlight<'_> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Whether somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire) > 0
    }

    /// Whether each operation that the body waits for is a wait that others can see.
    pub(crate) fn only_waits(&self, inner: &Inner) -> bool {
        self.operations.load(Ordering::Relaxed) as usize == inner.waits.len()
    }

    /// Whether the body waits for an operation of the engine.
    pub(crate) fn awaits_an_operation(&self) -> bool {
        self.operations.load(Ordering::Relaxed) > 0
    }

    /// The run's next attempts are durable before they begin: a process has just
    /// ended without a shutdown, and this run may be why.
    pub(crate) fn be_cautious(&self, attempts: u32) {
        self.caution.store(attempts, Ordering::Relaxed);
    }

    /// Whether the next attempt is a cautious one.
    pub(crate) fn take_caution(&self) -> bool {
        self.caution.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows others the present phase. To be called when it is durable.
    pub(crate) fn publish(&self) {
        let phase = self.lock().state.phase.clone();
        self.seen.send_replace(Seen::Phase(phase));
    }

    /// Shows others a run that goes on, until what it is is published.
    pub(crate) fn conceal(&self) {
        self.seen.send_replace(Seen::Phase(Phase::Forward));
    }

    /// Tells others that the engine is gone.
    pub(crate) fn abandon(&self, error: Error) {
        self.seen.send_if_modified(|seen| {
            let unfinished = matches!(seen, Seen::Phase(phase) if phase.is_active());
            if unfinished {
                *seen = Seen::Gone(error);
            }
            unfinished
        });
    }

    /// Completes when the run has ended or cannot go on by itself.
    pub(crate) async fn settled(&self) -> Result<Phase, Error> {
        let mut seen = self.seen.subscribe();
        let settled = seen.wait_for(|seen| !matches!(seen, Seen::Phase(phase) if phase.is_active())).await;
        match settled.as_deref() {
            Ok(Seen::Phase(phase)) => Ok(phase.clone()),
            Ok(Seen::Gone(error)) => Err(error.clone()),
            // The sender lives in `self`.
            Err(_) => Ok(self.lock().state.phase.clone()),
        }
    }

    pub(crate) fn phase_seen(&self) -> Phase {
        match &*self.seen.borrow() {
            Seen::Phase(phase) => phase.clone(),
            Seen::Gone(_) => self.lock().state.phase.clone(),
        }
    }

    pub(crate) fn info(&self) -> RunInfo {
        let phase = self.phase_seen();
        let inner = self.lock();
        let waiting: Vec<Waiting> = match phase {
            Phase::Forward => inner.waiting(),
            _ => Vec::new(),
        };
        let start = &inner.state.start;
        RunInfo {
            id: self.id.clone(),
            workflow: start.workflow.clone().into_owned(),
            version: start.version,
            status: Status::of(&phase, !waiting.is_empty()),
            waiting,
            started_at: start.at.into(),
            updated_at: inner.state.last.into(),
            problem: problem(&phase, &inner.state),
        }
    }
}

/// Why a run failed or cannot go on, in words.
pub(crate) fn problem(phase: &Phase, state: &RunState) -> Option<String> {
    match phase {
        Phase::Failed { cause } => Some(cause.to_string()),
        Phase::Stuck { cause } => {
            let failed = state.undo_entries().iter().filter_map(|undo| match &undo.state {
                crate::run::UndoState::Failed(why) => Some(format!("; undo of `{}` at {}: {why}", undo.step, undo.of)),
                _ => None,
            });
            Some(format!("{cause}{}", failed.collect::<String>()))
        }
        Phase::Diverged { problem } => Some(problem.clone()),
        Phase::Poisoned { crashes } => Some(format!("took the process down {crashes} times in a row")),
        _ => None,
    }
}

impl Inner {
    /// Applies an outcome, which is queued together with what follows from it.
    /// A run that has left memory is somebody else's: nothing happens to it here.
    pub(crate) fn hold(&mut self, time: Timestamp, event: Event) {
        if self.asleep {
            return;
        }
        match self.state.apply(time, &event) {
            Ok(()) => self.pending.push(event),
            Err(illegal) => self.illegal(&illegal),
        }
    }

    /// Applies events and queues them with what is pending, as one group.
    /// Nothing is queued when there is nothing.
    pub(crate) fn record(
        &mut self,
        journal: &Journal,
        run: RunNumber,
        time: Timestamp,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<Lsn, Error> {
        if self.asleep {
            return Err(Error::Internal { reason: "a run that sleeps was to record something".to_owned() });
        }
        for event in events {
            self.hold(time, event);
        }
        if !self.pending.is_empty() {
            self.last = journal.append(run, time, &self.pending)?;
            self.pending.clear();
        }
        Ok(self.last)
    }

    /// The run leaves memory; its task ends without a word.
    pub(crate) fn fall_asleep(&mut self) {
        self.asleep = true;
        self.interrupt = Some(Interrupt::Asleep);
    }

    /// Whether everything that happened is queued.
    pub(crate) fn is_settled(&self) -> bool {
        self.pending.is_empty() && self.interrupt.is_none()
    }

    /// Whether nothing happens until something comes from outside.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_settled()
            && match self.state.phase {
                Phase::Forward => !self.waits.is_empty() && !self.is_owed(),
                Phase::RollingBack { .. } => false,
                _ => true,
            }
    }

    /// Whether something has come from outside that its task has not taken yet.
    fn is_owed(&self) -> bool {
        let came = |waiting: &Waiting| match &waiting.on {
            WaitingOn::Signal { name } => self.state.inbox.next(name).is_some(),
            _ => false,
        };
        self.state.cancel_requested || self.waits.iter().any(|(_, waiting)| came(waiting))
    }

    /// What the run waits for.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        self.waits.iter().map(|(_, waiting)| waiting.clone()).collect()
    }

    /// An event that cannot follow: the run stops here and nothing of it is
    /// recorded. This would be a fault of the engine; the log stays readable.
    fn illegal(&mut self, illegal: &crate::run::Illegal) {
        self.state.phase = Phase::Diverged { problem: format!("a fault of the engine: {illegal}") };
        self.interrupt.get_or_insert(Interrupt::Parked);
    }

    /// Notes that the body came to a recorded position.
    pub(crate) fn visit(&mut self, at: &Position) {
        self.unvisited.remove(at);
    }

    /// Notes that the body will not come to anything inside a scope that has ended.
    pub(crate) fn visit_within(&mut self, scope: &Position) {
        if !self.unvisited.is_empty() {
            self.unvisited.retain(|at| !at.is_within(scope));
        }
    }

    /// Something recorded in a scope that its body has not come to.
    pub(crate) fn unvisited_in(&self, scope: &Position) -> Option<(Position, String)> {
        let at = self.unvisited.iter().filter(|at| at.is_within(scope)).min()?;
        Some((at.clone(), self.describe(at)))
    }

    /// What is recorded at a position, in words.
    pub(crate) fn describe(&self, at: &Position) -> String {
        match self.state.entry(at) {
            Some(Entry::Step(step)) => format!("step `{}`", step.name),
            Some(Entry::Scope { saga, version, .. }) => format!("saga `{saga}` version {version}"),
            Some(Entry::Timer { .. }) => "a timer".to_owned(),
            Some(Entry::Signal { name, .. }) => format!("signal `{name}`"),
            None => "nothing".to_owned(),
        }
    }

    pub(crate) fn wait_begins(&mut self, at: &Position, waiting: Waiting) {
        self.waits.push((at.clone(), waiting));
    }

    pub(crate) fn wait_ends(&mut self, at: &Position) {
        self.waits.retain(|(position, _)| position != at);
    }
}
