//! One run in memory: its state, what it is about to record, and what it waits for.
//!
//! What must always hold: every event is applied to the state before it is
//! queued, both under one lock, so that the log and the state have one order;
//! the phase and the outcome that others are shown are durable.

mod body;
mod inner;
mod operations;
mod shown;
mod states;

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::Error;
use super::status::{RunInfo, Status, Waiting};
use crate::id::{Lsn, Position, RunId, RunNumber};
use crate::io::{IdempotencyKey, Redaction};
use crate::journal::Group;
use crate::record::Name;
use crate::run::{Phase, Positions, RunState};
use crate::step::{Site, StepMeta};
pub(crate) use inner::{Inner, Interrupt};
use operations::{Doing, Operations};
pub(crate) use shown::{Seen, Shown, StateSeen, problem};
use states::Watchers;
pub(crate) use states::{NextState, States};

/// How many attempts of a run that was in flight at a crash are cautious.
pub(crate) const CAUTIOUS_ATTEMPTS: u32 = 16;

/// One run in memory.
pub(crate) struct LiveRun {
    pub(crate) number: RunNumber,
    pub(crate) id: RunId,
    pub(crate) workflow: Name,
    /// The record that started it.
    pub(crate) started: Lsn,
    inner: Mutex<Inner>,
    /// Something happened that a waiting operation may want to know.
    pub(crate) changed: Notify,
    seen: watch::Sender<Seen>,
    /// Those who watch the states that it enters.
    states: Watchers,
    /// It was started in this process, and has not begun.
    fresh: AtomicBool,
    /// So many of its next attempts are durable before they begin, even of pure
    /// steps, so that one that takes the process down is known by it.
    caution: AtomicU32,
    /// How many hold it: handles, and requests under way.
    held: AtomicUsize,
    polled: Mutex<Polled>,
}

/// What the poll under way is at.
#[derive(Default)]
struct Polled {
    /// The step whose body it is in.
    step: Option<&'static StepMeta>,
    /// What is said of a poll that does not end.
    problem: Option<String>,
}

/// A step's body is polled until this is dropped.
pub(crate) struct InStep<'r>(&'r LiveRun);

impl Drop for InStep<'_> {
    fn drop(&mut self) {
        self.0.polled().step = None;
    }
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

/// The body waits for one operation until this is dropped, or ended.
pub(crate) struct InFlight<'r> {
    run: &'r LiveRun,
    /// None once it has ended.
    at: Option<Position>,
}

impl InFlight<'_> {
    /// The operation has ended; for who has the run's lock.
    pub(crate) fn end(mut self, inner: &mut Inner) {
        if let Some(at) = self.at.take() {
            inner.operations.remove(&at);
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(at) = &self.at {
            self.run.lock().operations.remove(at);
        }
    }
}

impl LiveRun {
    /// A run whose first and last records have these LSNs.
    pub(crate) fn new(
        number: RunNumber,
        state: RunState,
        started: Lsn,
        last: Lsn,
        redaction: &Arc<Redaction>,
    ) -> Arc<LiveRun> {
        let unvisited: Positions = state.positions().map(|(at, _)| at.clone()).collect();
        Arc::new(LiveRun {
            number,
            id: state.start.id.clone(),
            workflow: state.start.workflow.clone(),
            started,
            changed: Notify::new(),
            states: Watchers::new(state.visit),
            fresh: AtomicBool::new(false),
            seen: watch::Sender::new(Seen::Phase(Shown::of(&state, last))),
            caution: AtomicU32::new(0),
            held: AtomicUsize::new(0),
            polled: Mutex::default(),
            inner: Mutex::new(Inner {
                number,
                redaction: redaction.clone(),
                replaying: !unvisited.is_empty(),
                state,
                pending: Group::default(),
                last,
                interrupt: None,
                replayed: !unvisited.is_empty(),
                unvisited,
                operations: Operations::default(),
                deciding: Positions::default(),
                last_site: None,
                asleep: false,
                fault: None,
            }),
        })
    }

    /// The body waits for the operation at a position, until the guard is dropped.
    pub(crate) fn operation(&self, at: Position, site: Option<Site>) -> InFlight<'_> {
        self.operation_of(&mut self.lock(), at, site)
    }

    /// As [`operation`](Self::operation), for who has the run's lock.
    pub(crate) fn operation_of(&self, inner: &mut Inner, at: Position, site: Option<Site>) -> InFlight<'_> {
        inner.operations.insert(at.clone(), Doing::Work);
        inner.last_site = site.or(inner.last_site);
        InFlight { run: self, at: Some(at) }
    }

    /// The idempotency key of the operation at a position.
    pub(crate) fn key(&self, at: &Position) -> IdempotencyKey {
        let state = &self.lock().state;
        IdempotencyKey::new(&state.start.origin, state.start.origin_run, at, state.redone(at))
    }

    fn polled(&self) -> MutexGuard<'_, Polled> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The poll under way is in the body of a step, until the guard is dropped.
    pub(super) fn in_step(&self, step: &'static StepMeta) -> InStep<'_> {
        self.polled().step = Some(step);
        InStep(self)
    }

    /// The poll under way has taken so long already. What is said of it.
    pub(super) fn spins(&self, taken: Duration) -> String {
        let (site, taken) = (self.lock().last_site, taken.as_secs_f64());
        let mut polled = self.polled();
        let problem = match (polled.step, site) {
            (Some(step), _) => {
                format!("step `{}`, {}, has not come to an await for {taken:.1} s", step.name, step.site)
            }
            (None, Some(site)) => {
                format!("its body has not come to an await for {taken:.1} s, after the await at {site}")
            }
            (None, None) => format!("its body has not come to its first await for {taken:.1} s"),
        };
        polled.problem = Some(problem.clone());
        problem
    }

    /// The poll that took so long has ended.
    pub(super) fn spins_no_more(&self) {
        self.polled().problem = None;
    }

    /// Whether somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire) > 0
    }

    /// The run's next attempts are durable before they begin: a process has just
    /// ended without a shutdown, and this run may be why.
    pub(crate) fn be_cautious(&self, attempts: u32) {
        self.caution.store(attempts, Ordering::Relaxed);
    }

    /// Whether the next attempt is a cautious one.
    pub(crate) fn take_caution(&self) -> bool {
        self.caution.load(Ordering::Relaxed) > 0
            && self.caution.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows others what was true after some record. To be called when that is durable.
    pub(crate) fn publish(&self, shown: Shown) {
        // First the state, and then the status that comes with it.
        self.states.tell(&shown.state);
        self.seen.send_if_modified(|seen| {
            let newer = matches!(seen, Seen::Phase(before) if before.at < shown.at);
            if newer {
                *seen = Seen::Phase(shown);
            }
            newer
        });
    }

    /// Whether others are shown what was true after a record.
    pub(crate) fn has_shown(&self, last: Lsn) -> bool {
        matches!(&*self.seen.borrow(), Seen::Phase(shown) if shown.at == last)
    }

    /// The run begins to wait, or ends it: whoever watches looks at it.
    pub(crate) fn stir(&self) {
        if self.seen.receiver_count() > 0 {
            self.seen.send_modify(|_| {});
        }
    }

    /// Shows others a run that goes on, until what it is is published.
    pub(crate) fn conceal(&self) {
        let state = StateSeen::of(&self.lock().state);
        let shown = Shown { at: Lsn(0), phase: Phase::Forward, paused: None, progress: None, state };
        self.seen.send_replace(Seen::Phase(shown));
    }

    /// Tells others that the engine is gone.
    pub(crate) fn abandon(&self, error: Error) {
        self.seen.send_if_modified(|seen| match seen {
            Seen::Phase(shown) if shown.goes_on() => {
                *seen = Seen::Gone(error, Box::new(shown.clone()));
                true
            }
            _ => false,
        });
    }

    /// Completes when the run has ended or cannot go on by itself.
    pub(crate) async fn settled(&self) -> Result<Shown, Error> {
        self.shown(|shown| !shown.goes_on()).await
    }

    /// Completes when the run has ended.
    pub(crate) async fn ended(&self) -> Result<Phase, Error> {
        self.shown(|shown| shown.phase.has_ended()).await.map(|shown| shown.phase)
    }

    /// Completes when the run has ended, or only an operator can make it go on.
    pub(crate) async fn at_rest(&self) -> Result<Phase, Error> {
        self.shown(|shown| shown.phase.has_ended() || shown.phase.is_held_up()).await.map(|shown| shown.phase)
    }

    /// Completes when others can see of the run what is wanted.
    async fn shown(&self, wanted: impl Fn(&Shown) -> bool) -> Result<Shown, Error> {
        let mut seen = self.seen.subscribe();
        let shown = seen.wait_for(|seen| match seen {
            Seen::Phase(shown) => wanted(shown),
            Seen::Gone(..) => true,
        });
        match shown.await.as_deref() {
            Ok(Seen::Phase(shown)) => Ok(shown.clone()),
            Ok(Seen::Gone(error, _)) => Err(error.clone()),
            // The sender lives in `self`.
            Err(_) => Ok(self.lock().to_show()),
        }
    }

    /// It was started in this process.
    pub(super) fn be_fresh(&self) {
        self.fresh.store(true, Ordering::Relaxed);
    }

    /// Whether it was started in this process, and this was not asked before.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh.swap(false, Ordering::Relaxed)
    }

    /// Every state that is entered from now on; the last 1,024 are kept for whoever is slow.
    pub(crate) fn states(&self) -> States {
        self.states.join()
    }

    /// What others see of the run, now and whenever that changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Seen> {
        self.seen.subscribe()
    }

    /// What others see of the run now.
    pub(crate) fn seen(&self) -> Shown {
        // Not under the lock of what is shown: whoever has the run's takes that one, too.
        let seen = self.seen.borrow().clone();
        match seen {
            Seen::Phase(shown) => shown,
            Seen::Gone(_, shown) => *shown,
        }
    }

    /// The status that goes with what was seen.
    pub(crate) fn status(&self, shown: &Shown) -> Status {
        let waits = shown.goes_on() && self.lock().waits().next().is_some();
        Status::of(&shown.phase, shown.paused.is_some(), waits)
    }

    pub(crate) fn info(&self) -> RunInfo {
        self.info_of(&self.lock())
    }

    pub(crate) fn info_of(&self, inner: &Inner) -> RunInfo {
        let shown = self.seen();
        let waiting: Vec<Waiting> = if shown.goes_on() { inner.waiting() } else { Vec::new() };
        let start = &inner.state.start;
        RunInfo {
            id: self.id.clone(),
            workflow: start.workflow.clone().into_owned(),
            version: start.version,
            state: shown.state.state.as_ref().map(|(name, _)| name.clone().into_owned()),
            status: Status::of(&shown.phase, shown.paused.is_some(), !waiting.is_empty()),
            waiting,
            started_at: start.at.into(),
            updated_at: inner.state.last.into(),
            problem: problem(&shown.phase, &inner.state).or(shown.paused).or_else(|| self.polled().problem.clone()),
        }
    }
}
