//! The records of one visit as a [`Host`]: every operation is answered from them, and nothing is done.
//!
//! What must always hold: what is not recorded ends the replay where it is, by a future that never completes; no
//! transport is called, no timer waited for, and nothing recorded; what does not fit is told in the live engine's words.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::{Awaited, MissingFact, ReplayError};
use crate::codec::{BlobError, Payload};
use crate::engine::Error;
use crate::engine::core::Outside;
use crate::engine::host::{Draw, Entered, GroupKind, Host, NewChild, Recorded, Wake};
use crate::engine::live::{Interrupt, LiveRun};
use crate::engine::past::{ScopePast, SignalPast, StepPast, awaits};
use crate::id::{Lsn, Position, RunId, RunNumber};
use crate::io::{Redaction, Shelf};
use crate::plan::WorkflowMeta;
use crate::platform::BoxFuture;
use crate::record::{Cause, ChildEnd, Event};
use crate::run::{Entry, Facts, NOW, RunState};
use crate::step::{ErasedStep, Site};

/// The steps whose bodies are run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bodies {
    pub(crate) all: bool,
    pub(crate) names: BTreeSet<String>,
}

impl Bodies {
    fn has(&self, step: &str) -> bool {
        self.all || self.names.contains(step)
    }
}

/// How a visit is replayed.
pub(super) struct How {
    /// The bodies of sagas inside the run that have ended are run, too: an engine does not come to them again.
    pub(super) whole: bool,
    /// Another turn is recorded behind this one.
    pub(super) turn_follows: bool,
    pub(super) bodies: Bodies,
    pub(super) outside: Outside,
    pub(super) shelf: Shelf,
}

/// Answers a body from the records of one visit.
#[derive(Clone)]
pub(super) struct ReplayHost(Arc<Replaying>);

struct Replaying {
    run: Arc<LiveRun>,
    facts: HashMap<Position, Facts>,
    how: How,
    told: Mutex<Told>,
}

/// What has come of the replay so far.
#[derive(Default)]
pub(super) struct Told {
    /// What the body awaits and nothing is recorded of, in the order in which it came to it.
    parked: BTreeMap<u64, Awaited>,
    last: u64,
    /// Why the replay goes no further.
    pub(super) stopped: Option<ReplayError>,
    /// Who polls the body.
    pub(super) waker: Option<Waker>,
    pub(super) steps: u64,
    pub(super) facts: u64,
    pub(super) unfinished: Vec<MissingFact>,
}

impl Told {
    /// What the body awaits, in the order in which it came to it.
    pub(super) fn parked(&self) -> impl ExactSizeIterator<Item = &Awaited> {
        self.parked.values()
    }
}

/// An operation that goes no further; one that is dropped is not awaited any more.
struct Parked<'h> {
    host: &'h ReplayHost,
    key: u64,
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.host.told().parked.remove(&self.key);
    }
}

impl ReplayHost {
    pub(super) fn new(state: RunState, facts: HashMap<Position, Facts>, how: How) -> ReplayHost {
        let run = LiveRun::new(RunNumber(0), state, Lsn(0), Lsn(0), &how.outside.redaction);
        run.lock().begin();
        ReplayHost(Arc::new(Replaying { run, facts, how, told: Mutex::default() }))
    }

    pub(super) fn run(&self) -> &Arc<LiveRun> {
        &self.0.run
    }

    pub(super) fn how(&self) -> &How {
        &self.0.how
    }

    /// What the attempts of a step have bound.
    pub(super) fn facts(&self, step: &Position) -> Option<&Facts> {
        self.0.facts.get(step)
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The replay goes no further. The first reason counts.
    pub(super) fn stop(&self, why: ReplayError) {
        let waker = {
            let mut told = self.told();
            told.stopped.get_or_insert(why);
            told.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Nothing more is recorded of an operation.
    pub(super) async fn park(&self, at: &Position, what: String, site: Option<Site>, begun: bool) -> Infallible {
        let key = {
            let mut told = self.told();
            told.last += 1;
            let key = told.last;
            told.parked.insert(key, Awaited { at: at.clone(), what, site, begun });
            key
        };
        let _parked = Parked { host: self, key };
        pending().await
    }

    async fn replay_step(&self, at: Position, site: Site, step: &mut dyn ErasedStep) -> Recorded {
        let meta = step.meta();
        let (_, past) = self.run().past_step(&at, site, step).await;
        let runs = self.how().bodies.has(meta.name);
        match past {
            Some(StepPast::Ended(end)) => {
                if runs {
                    self.run_ended(&at, step, &end).await;
                }
                self.run().told(&at, end).await
            }
            Some(StepPast::InDoubt(_)) => {
                let what = format!("{}, a pivot of which nobody knows whether it has happened", awaits::step(meta));
                match self.park(&at, what, Some(site), true).await {}
            }
            Some(StepPast::Open) => {
                let what = match runs {
                    true => self.run_open(&at, step).await,
                    false => awaits::step(meta),
                };
                match self.park(&at, what, Some(site), true).await {}
            }
            None => match self.park(&at, awaits::step(meta), Some(site), false).await {},
        }
    }

    async fn replay_sleep(&self, at: Position, site: Site) {
        match self.run().past_sleep(&at, site).await {
            Some((_, true)) => {}
            past => match self.park(&at, awaits::timer(), Some(site), past.is_some()).await {},
        }
    }

    async fn replay_signal(&self, at: Position, site: Site, name: &'static str, limited: bool) -> Option<Payload> {
        match self.run().past_signal(&at, site, name, limited).await {
            Some(SignalPast::Taken(payload)) => Some(payload),
            Some(SignalPast::Elapsed) => None,
            past => match self.park(&at, awaits::signal(name, limited), Some(site), past.is_some()).await {},
        }
    }

    async fn replay_draw(&self, at: Position, site: Site, draw: Draw) -> Payload {
        let source = match draw {
            Draw::Now => NOW,
            Draw::Bytes { source, .. } => source,
        };
        match self.run().past_draw(&at, site, source).await {
            Some(value) => value,
            None => match self.park(&at, awaits::draw(source), Some(site), false).await {},
        }
    }

    async fn replay_again(&self, at: Position, site: Site, saga: &'static WorkflowMeta, input: Payload) -> Infallible {
        let run = self.run();
        run.past_again(&at, site, saga).await;
        if !self.how().turn_follows {
            match self.park(&at, awaits::again(saga), Some(site), false).await {}
        }
        if let Some(why) = run.beyond(&at, site, || awaits::again(saga)) {
            run.interrupt(&at, why).await;
        }
        run.check_turn(&at, site, saga).await;
        run.interrupt(&at, Interrupt::Again { input }).await
    }

    async fn replay_enter(&self, at: Position, site: Site, saga: &'static WorkflowMeta, args: u64) -> Entered {
        let run = self.run();
        match run.past_scope(&at, site, saga, args).await {
            Some(ScopePast::Open) => Entered::Body,
            Some(_) if self.how().whole => Entered::Body,
            Some(ScopePast::Ended(end)) => {
                run.lock().visit_within(&at);
                Entered::Ended(end)
            }
            Some(ScopePast::RollingBack(_)) => {
                run.lock().visit_within(&at);
                let what = format!("the undo of saga `{}`", saga.name);
                match self.park(&at, what, Some(site), true).await {}
            }
            None => match self.park(&at, awaits::scope(saga), Some(site), false).await {},
        }
    }

    async fn replay_leave(&self, at: Position, result: Recorded) -> Recorded {
        self.run().check_scope(&at).await;
        let (saga, undone, end) = match self.run().lock().state.entry(&at) {
            Some(Entry::Scope { saga, rollback, end, .. }) => (saga.clone(), rollback.clone(), end.clone()),
            // It was entered.
            _ => return result,
        };
        let recorded = match (&end, &undone) {
            (Some(end), _) => Some(end.clone()),
            (None, Some(cause)) => cause.error().cloned().map(Err),
            (None, None) => None,
        };
        if let Some(recorded) = recorded {
            self.gives(format!("saga `{saga}` at {at}"), &recorded, &result).await;
        }
        match (end, undone) {
            (Some(end), _) => end,
            (None, Some(_)) => match self.park(&at, format!("the undo of saga `{saga}`"), None, true).await {},
            (None, None) => match self.park(&at, format!("the end of saga `{saga}`"), None, true).await {},
        }
    }

    async fn replay_losers(&self, at: Position) {
        let ended = {
            let mut inner = self.run().lock();
            let ended = matches!(inner.state.entry(&at), Some(Entry::Group { ended: true, .. }));
            inner.visit_losers(&at);
            ended
        };
        if !ended {
            self.park(&at, "the end of the branches that lost".to_owned(), None, true).await;
        }
    }
}

impl Host for ReplayHost {
    fn redaction(&self) -> &Redaction {
        &self.0.how.outside.redaction
    }

    fn step<'a>(&'a self, at: Position, site: Site, step: &'a mut dyn ErasedStep) -> BoxFuture<'a, Recorded> {
        self.run().counted(&at.clone(), Some(site), self.replay_step(at, site, step))
    }

    fn sleep(&self, at: Position, site: Site, _: Wake) -> BoxFuture<'_, ()> {
        self.run().counted(&at.clone(), Some(site), self.replay_sleep(at, site))
    }

    fn signal(
        &self,
        at: Position,
        site: Site,
        name: &'static str,
        limit: Option<Duration>,
    ) -> BoxFuture<'_, Option<Payload>> {
        self.run().counted(&at.clone(), Some(site), self.replay_signal(at, site, name, limit.is_some()))
    }

    fn has_signal(&self, group: &Position, names: &[&str]) -> bool {
        let state = &self.run().lock().state;
        state.entry(group).is_none() && names.iter().any(|name| state.inbox.next(name).is_some())
    }

    fn draw(&self, at: Position, site: Site, draw: Draw) -> BoxFuture<'_, Payload> {
        self.run().counted(&at.clone(), Some(site), self.replay_draw(at, site, draw))
    }

    fn spawn(&self, at: Position, site: Site, new: NewChild) -> BoxFuture<'_, RunId> {
        self.run().counted(&at.clone(), Some(site), async move {
            match self.run().past_child(&at, site, &new).await {
                Some(child) => child,
                None => match self.park(&at, awaits::child(&new), Some(site), false).await {},
            }
        })
    }

    fn child(&self, at: Position, site: Site, child: RunId) -> BoxFuture<'_, ChildEnd> {
        self.run().counted(&at.clone(), Some(site), async move {
            match self.run().past_child_end(&at, site, &child).await {
                Some(end) => end,
                None => match self.park(&at, awaits::child_end(&child), Some(site), false).await {},
            }
        })
    }

    fn pause(&self, at: Position, site: Site, _: String) -> BoxFuture<'_, ()> {
        self.run().counted(&at.clone(), Some(site), async move {
            if !self.run().past_pause(&at, site).await {
                self.park(&at, awaits::pause(), Some(site), false).await;
            }
        })
    }

    fn publish(&self, at: Position, site: Site, _: Payload) -> BoxFuture<'_, ()> {
        self.run().counted(&at.clone(), Some(site), async move {
            if !self.run().past_publish(&at, site).await {
                self.park(&at, awaits::publish(), Some(site), false).await;
            }
        })
    }

    fn again(
        &self,
        at: Position,
        site: Site,
        saga: &'static WorkflowMeta,
        input: Payload,
    ) -> BoxFuture<'_, Infallible> {
        self.run().counted(&at.clone(), Some(site), self.replay_again(at, site, saga, input))
    }

    fn enter(&self, at: Position, site: Site, saga: &'static WorkflowMeta, args: u64) -> BoxFuture<'_, Entered> {
        self.run().counted(&at.clone(), Some(site), self.replay_enter(at, site, saga, args))
    }

    fn leave(&self, at: Position, result: Recorded) -> BoxFuture<'_, Recorded> {
        self.run().counted(&at.clone(), None, self.replay_leave(at, result))
    }

    fn group(&self, at: Position, site: Site, kind: GroupKind, branches: usize) -> BoxFuture<'_, Option<u32>> {
        self.run().counted(
            &at.clone(),
            Some(site),
            async move { self.run().past_group(&at, site, kind, branches).await },
        )
    }

    fn decide(&self, at: &Position, branch: u32) {
        let mut inner = self.run().lock();
        let last = inner.state.last;
        inner.hold(last, Event::BranchWon { at: at.clone(), branch });
    }

    fn has_stopped(&self, branch: &Position) -> bool {
        self.run().lock().has_stopped(branch)
    }

    fn end_losers(&self, at: Position) -> BoxFuture<'_, ()> {
        self.run().counted(&at.clone(), None, self.replay_losers(at))
    }

    fn leave_group(&self, at: Position, site: Site) -> BoxFuture<'_, ()> {
        self.run().counted(&at.clone(), None, async move { self.run().check_group(&at, site).await })
    }

    fn order(&self, _: usize) -> Option<Vec<usize>> {
        None
    }

    fn diverge(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible> {
        self.run().counted(&at.clone(), Some(site), async move {
            let recorded = self.run().lock().describe(&at);
            self.run().divergence(&at.clone(), at, site, recorded, reason).await
        })
    }

    fn unreadable(&self, at: Position, error: BlobError) -> BoxFuture<'_, Infallible> {
        self.run().counted(&at.clone(), None, async move {
            let reason = format!("what was recorded at {at} cannot be read: {error}");
            self.stop(Error::Unreadable { id: self.run().id.clone(), reason }.into());
            pending().await
        })
    }

    fn unrecordable(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible> {
        self.run().counted(&at.clone(), Some(site), async move {
            let message = format!("at {at}, {site}: {reason}");
            self.run().interrupt(&at, Interrupt::Fail(Cause::Unrecordable { message })).await
        })
    }
}
