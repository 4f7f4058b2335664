//! One run in memory: its state, what it is about to record, and what it waits for.
//!
//! What must always hold: every event is applied to the state before it is
//! queued, both under one lock, so that the log and the state have one order;
//! the phase and the outcome that others are shown are durable.

use std::collections::{BTreeMap, HashSet};
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::Error;
use super::status::{RunInfo, Status, Waiting, WaitingOn};
use crate::codec::Payload;
use crate::id::{Lsn, Part, Position, RunId, RunNumber};
use crate::journal::Journal;
use crate::record::{Cause, Event};
use crate::run::{Entry, Phase, RunState};
use crate::step::{Site, StepMeta};
use crate::time::Timestamp;

/// How many attempts of a run that was in flight at a crash are cautious.
pub(crate) const CAUTIOUS_ATTEMPTS: u32 = 16;

/// Why a body was told to stop.
#[derive(Debug, Clone)]
pub(crate) enum Interrupt {
    /// The run is to be cancelled.
    Cancel,
    /// The run was paused.
    Pause,
    /// The engine shuts down.
    Shutdown,
    /// Something failed that no body is told of: the run fails.
    Fail(Cause),
    /// The run is stuck or has diverged: what is to be recorded of it when everything in it has stopped.
    Park(Event),
    /// This turn of the run is over: the arguments of the next one.
    Again { input: Payload },
    /// The run leaves memory while it waits.
    Asleep,
    /// The log takes nothing any more.
    Engine(Error),
}

impl Interrupt {
    /// Whether the body is dropped at once, whatever it is at.
    pub(super) fn is_urgent(&self) -> bool {
        matches!(self, Interrupt::Asleep | Interrupt::Engine(_))
    }

    /// Whether a rollback stops for it, too.
    pub(super) fn stops_rollbacks(&self) -> bool {
        !matches!(self, Interrupt::Cancel | Interrupt::Fail(_) | Interrupt::Again { .. })
    }
}

/// What an operation does that the body waits for.
#[derive(Debug, Clone)]
enum Doing {
    /// It is at work.
    Work,
    /// It waits, as others can see.
    Wait(Waiting),
    /// It has come to where it can be dropped, and goes no further.
    Stopped,
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
    /// There was something recorded when the body began.
    replayed: bool,
    /// The operations that the body waits for.
    operations: BTreeMap<Position, Doing>,
    /// The groups of the body that a branch decides.
    deciding: HashSet<Position>,
    /// Where the body awaited something last.
    pub(crate) last_site: Option<Site>,
    /// It has left memory.
    asleep: bool,
    /// An event that could not follow: nothing more is recorded of the run in this process.
    fault: Option<String>,
}

/// A durable phase, as others see it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The last record that it shows.
    at: Lsn,
    pub(crate) phase: Phase,
    pub(crate) paused: Option<String>,
    pub(crate) progress: Option<Payload>,
}

impl Shown {
    fn of(state: &RunState, at: Lsn) -> Shown {
        let (phase, paused, progress) = (state.phase.clone(), state.paused.clone(), state.progress.clone());
        Shown { at, phase, paused, progress }
    }

    /// Whether the run goes on by itself.
    pub(crate) fn goes_on(&self) -> bool {
        self.phase.is_active() && self.paused.is_none()
    }
}

/// What others see of a run.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    /// What is durable.
    Phase(Shown),
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

/// The body waits for one operation until this is dropped.
pub(crate) struct InFlight<'r> {
    run: &'r LiveRun,
    at: Position,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.run.lock().operations.remove(&self.at);
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
            seen: watch::Sender::new(Seen::Phase(Shown::of(&state, last))),
            caution: AtomicU32::new(0),
            held: AtomicUsize::new(0),
            polled: Mutex::default(),
            inner: Mutex::new(Inner {
                replaying: !unvisited.is_empty(),
                state,
                pending: Vec::new(),
                last,
                interrupt: None,
                replayed: !unvisited.is_empty(),
                unvisited,
                operations: BTreeMap::new(),
                deciding: HashSet::new(),
                last_site: None,
                asleep: false,
                fault: None,
            }),
        })
    }

    /// The body waits for the operation at a position, until the guard is dropped.
    pub(crate) fn operation(&self, at: Position, site: Option<Site>) -> InFlight<'_> {
        let mut inner = self.lock();
        inner.operations.insert(at.clone(), Doing::Work);
        inner.last_site = site.or(inner.last_site);
        drop(inner);
        InFlight { run: self, at }
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
        self.caution.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows others what was true after some record. To be called when that is durable.
    pub(crate) fn publish(&self, shown: Shown) {
        self.seen.send_if_modified(|seen| {
            let newer = matches!(seen, Seen::Phase(before) if before.at < shown.at);
            if newer {
                *seen = Seen::Phase(shown);
            }
            newer
        });
    }

    /// The run begins to wait, or ends it: whoever watches looks at it.
    pub(crate) fn stir(&self) {
        if self.seen.receiver_count() > 0 {
            self.seen.send_modify(|_| {});
        }
    }

    /// Shows others a run that goes on, until what it is is published.
    pub(crate) fn conceal(&self) {
        self.seen.send_replace(Seen::Phase(Shown { at: Lsn(0), phase: Phase::Forward, paused: None, progress: None }));
    }

    /// Tells others that the engine is gone.
    pub(crate) fn abandon(&self, error: Error) {
        self.seen.send_if_modified(|seen| {
            let unfinished = matches!(seen, Seen::Phase(shown) if shown.goes_on());
            if unfinished {
                *seen = Seen::Gone(error);
            }
            unfinished
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
            Seen::Gone(_) => true,
        });
        match shown.await.as_deref() {
            Ok(Seen::Phase(shown)) => Ok(shown.clone()),
            Ok(Seen::Gone(error)) => Err(error.clone()),
            // The sender lives in `self`.
            Err(_) => Ok(self.lock().to_show()),
        }
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
            Seen::Gone(_) => self.lock().to_show(),
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
        let shown = match &*self.seen.borrow() {
            Seen::Phase(shown) => shown.clone(),
            Seen::Gone(_) => inner.to_show(),
        };
        let waiting: Vec<Waiting> = if shown.goes_on() { inner.waiting() } else { Vec::new() };
        let start = &inner.state.start;
        RunInfo {
            id: self.id.clone(),
            workflow: start.workflow.clone().into_owned(),
            version: start.version,
            status: Status::of(&shown.phase, shown.paused.is_some(), !waiting.is_empty()),
            waiting,
            started_at: start.at.into(),
            updated_at: inner.state.last.into(),
            problem: problem(&shown.phase, &inner.state).or(shown.paused).or_else(|| self.polled().problem.clone()),
        }
    }
}

/// Why a run failed or cannot go on, in words.
pub(crate) fn problem(phase: &Phase, state: &RunState) -> Option<String> {
    match phase {
        Phase::Failed { cause } => Some(cause.to_string()),
        Phase::Stuck { cause, .. } => {
            let failed = state.undo_entries().iter().filter_map(|undo| match &undo.state {
                crate::run::UndoState::Failed(why) => Some(format!("; undo of `{}` at {}: {why}", undo.step, undo.of)),
                _ => None,
            });
            Some(format!("{cause}{}", failed.collect::<String>()))
        }
        Phase::Diverged { problem, .. } => Some(problem.clone()),
        Phase::Poisoned { crashes, .. } => Some(format!("took the process down {crashes} times in a row")),
        _ => None,
    }
}

impl Inner {
    /// Applies an outcome, which is queued together with what follows from it.
    /// A run that has left memory is somebody else's: nothing happens to it here.
    pub(crate) fn hold(&mut self, time: Timestamp, event: Event) {
        if self.asleep || self.fault.is_some() {
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
        self.record_with(journal, run, time, events, None)
    }

    /// As [`record`](Self::record), and in the same group the first events of another run.
    pub(crate) fn record_with(
        &mut self,
        journal: &Journal,
        run: RunNumber,
        time: Timestamp,
        events: impl IntoIterator<Item = Event>,
        beside: Option<(RunNumber, &[Event])>,
    ) -> Result<Lsn, Error> {
        for event in events {
            self.hold(time, event);
        }
        if let Some(reason) = &self.fault {
            return Err(Error::Internal { reason: reason.clone() });
        }
        if !self.pending.is_empty() || beside.is_some() {
            let own = (run, self.pending.as_slice());
            self.last = journal.append(time, &[Some(own), beside].into_iter().flatten().collect::<Vec<_>>())?;
            self.pending.clear();
        }
        Ok(self.last)
    }

    /// What others are to see when all that is queued is durable.
    pub(crate) fn to_show(&self) -> Shown {
        Shown::of(&self.state, self.last)
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
                // An attempt comes to its end, and is recorded, before the run leaves.
                _ if self.state.paused.is_some() => self.operations.is_empty() && !self.state.attempt_in_air(),
                Phase::Forward => self.only_waits() && !self.is_owed(),
                Phase::RollingBack { .. } => false,
                _ => true,
            }
    }

    /// Whether something has come from outside that its task has not taken yet.
    fn is_owed(&self) -> bool {
        let came = |waiting: &Waiting| match &waiting.on {
            WaitingOn::Signal { name, .. } => self.state.inbox.next(name).is_some(),
            _ => false,
        };
        self.state.cancel_requested || self.waits().any(came)
    }

    /// What the run waits for.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        self.waits().cloned().collect()
    }

    fn waits(&self) -> impl Iterator<Item = &Waiting> {
        self.operations.values().filter_map(|doing| match doing {
            Doing::Wait(waiting) => Some(waiting),
            _ => None,
        })
    }

    /// Whether the body waits for something, and for nothing that others cannot see.
    fn only_waits(&self) -> bool {
        !self.operations.is_empty()
            && self.operations.values().all(|doing| matches!(doing, Doing::Wait(waiting) if waiting.on.may_sleep()))
    }

    /// Whether the body waits for an operation of the engine.
    pub(crate) fn awaits_an_operation(&self) -> bool {
        !self.operations.is_empty()
    }

    /// An operation has come to where it can be dropped, and goes no further, with everything inside it.
    pub(crate) fn stop(&mut self, at: &Position) {
        for (_, doing) in self.operations.range_mut(at.clone()..).take_while(|(of, _)| *of == at || of.is_within(at)) {
            *doing = Doing::Stopped;
        }
    }

    /// Whether everything that the body waits for inside a scope has stopped.
    pub(crate) fn has_stopped(&self, scope: &Position) -> bool {
        // What is within stands behind it, in one piece.
        let within = self.operations.range(scope.clone()..).take_while(|(at, _)| *at == scope || at.is_within(scope));
        within.map(|(_, doing)| doing).all(|doing| matches!(doing, Doing::Stopped))
    }

    /// The body begins: what is recorded is still before it.
    pub(crate) fn begin(&mut self) {
        self.unvisited = self.state.positions().map(|(at, _)| at.clone()).collect();
        self.replayed = !self.unvisited.is_empty();
        self.replaying = self.replayed;
        self.operations.clear();
        self.deciding.clear();
        self.last_site = None;
    }

    /// What is recorded although the body would have had to come past `at` before, where nothing is recorded.
    pub(crate) fn misplaced(&self, at: &Position) -> Option<(Position, String)> {
        if !self.replayed {
            return None;
        }
        let later = self.unvisited.iter().filter(|recorded| recorded.is_behind(at)).min();
        let decided = || at.prefixes().find(|group| matches!(self.state.entry(group), Some(Entry::Group { .. })));
        let found = later.cloned().or_else(decided)?;
        let recorded = self.describe(&found);
        Some((found, recorded))
    }

    /// An event that cannot follow: the run stops here and nothing of it is
    /// recorded. This would be a fault of the engine; the log stays readable.
    fn illegal(&mut self, illegal: &crate::run::Illegal) {
        self.state.phase = Phase::Diverged { problem: format!("a fault of the engine: {illegal}"), back: None };
        self.fault = Some(illegal.to_string());
        self.interrupt = Some(Interrupt::Engine(Error::Internal { reason: illegal.to_string() }));
    }

    /// Notes that the body came to a recorded position.
    pub(crate) fn visit(&mut self, at: &Position) {
        self.unvisited.remove(at);
    }

    /// The body has come to a group of branches.
    pub(crate) fn group_begins(&mut self, at: &Position, kind: &'static str) {
        if kind == "race" || kind == "try_all" {
            self.deciding.insert(at.clone());
        }
    }

    /// Whether an operation stands in a branch that may lose.
    pub(crate) fn may_lose(&self, at: &Position) -> bool {
        !self.deciding.is_empty() && at.prefixes().any(|group| self.deciding.contains(&group))
    }

    /// Notes that the body will come to nothing in the branches that have lost.
    pub(crate) fn visit_losers(&mut self, group: &Position) {
        if !self.unvisited.is_empty() {
            let state = &self.state;
            self.unvisited.retain(|at| !state.belongs(at, group));
        }
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

    /// Something recorded that the body has not come to at its end. A panic ends all branches wherever they are.
    pub(crate) fn left_behind(&self, scope: &Position, panicked: bool) -> Option<(Position, String)> {
        let in_branch = |at: &&Position| at.parts().any(|part| matches!(part, Part::Branch(_)));
        let left = self.unvisited.iter().filter(|at| at.is_within(scope));
        let at = left.filter(|at| !(panicked && in_branch(at))).min()?;
        Some((at.clone(), self.describe(at)))
    }

    /// What is recorded at a position, in words.
    pub(crate) fn describe(&self, at: &Position) -> String {
        match self.state.entry(at) {
            Some(Entry::Step(step)) => format!("step `{}`", step.name),
            Some(Entry::Scope { saga, version, .. }) => format!("saga `{saga}` version {version}"),
            Some(Entry::Timer { .. }) => "a timer".to_owned(),
            Some(Entry::Signal { name, .. }) => format!("signal `{name}`"),
            Some(Entry::Group { won, .. }) => format!("a group that its branch {won} has decided"),
            Some(Entry::Drawn { source, .. }) => format!("a value of `{source}`"),
            Some(Entry::Published) => "something published".to_owned(),
            Some(Entry::Child { child, workflow, .. }) => format!("the start of child `{child}` (`{workflow}`)"),
            Some(Entry::ChildEnd { child, .. }) => format!("the end of child `{child}`"),
            Some(Entry::Pause) => "a pause".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    /// Something waits; whether it is part of an operation, as all but the rollback of the whole run is.
    pub(crate) fn wait_begins(&mut self, at: &Position, waiting: Waiting) -> bool {
        self.operations.insert(at.clone(), Doing::Wait(waiting)).is_some()
    }

    pub(crate) fn wait_ends(&mut self, at: &Position, within: bool) {
        if !within {
            self.operations.remove(at);
        } else if let Some(doing @ Doing::Wait(_)) = self.operations.get_mut(at) {
            *doing = Doing::Work;
        }
    }
}
