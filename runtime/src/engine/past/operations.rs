//! Each sort of operation: what there may be of it in the records.

use super::super::host::{GroupKind, NewChild, Recorded};
use super::super::live::{Interrupt, LiveRun};
use crate::codec::Payload;
use crate::id::{Position, RunId};
use crate::plan::WorkflowMeta;
use crate::record::{Cause, ChildEnd};
use crate::run::Entry;
use crate::step::{ErasedStep, Site, StepMeta};
use crate::time::Timestamp;

/// What a body awaits, in words.
pub(in crate::engine) mod awaits {
    use super::{NewChild, RunId, StepMeta, WorkflowMeta};

    pub(in crate::engine) fn step(meta: &StepMeta) -> String {
        format!("step `{}`", meta.name)
    }

    pub(in crate::engine) fn scope(saga: &WorkflowMeta) -> String {
        format!("saga `{}` version {}", saga.name, saga.version)
    }

    pub(in crate::engine) fn timer() -> String {
        "a timer".to_owned()
    }

    pub(in crate::engine) fn signal(name: &str, limited: bool) -> String {
        match limited {
            true => format!("signal `{name}` with a limit"),
            false => format!("signal `{name}`"),
        }
    }

    pub(in crate::engine) fn draw(source: &str) -> String {
        format!("a value of `{source}`")
    }

    pub(in crate::engine) fn publish() -> String {
        "to publish something".to_owned()
    }

    pub(in crate::engine) fn pause() -> String {
        "a pause".to_owned()
    }

    pub(in crate::engine) fn again(saga: &WorkflowMeta) -> String {
        format!("another turn of `{}`", saga.name)
    }

    pub(in crate::engine) fn child(new: &NewChild) -> String {
        format!("the start of a child of `{}`", new.workflow)
    }

    pub(in crate::engine) fn child_end(child: &RunId) -> String {
        format!("the end of child `{child}`")
    }
}

/// What is recorded of a step that the body awaits.
pub(in crate::engine) enum StepPast {
    Ended(Result<Payload, Cause>),
    /// Whether the point of no return was passed is for a person to find out.
    InDoubt(Cause),
    Open,
}

/// What is recorded of a wait for a signal.
pub(in crate::engine) enum SignalPast {
    Taken(Payload),
    Elapsed,
    Until(Timestamp),
}

/// What is recorded of a scope that the body enters.
pub(in crate::engine) enum ScopePast {
    Ended(Recorded),
    RollingBack(Cause),
    Open,
}

/// The same operation, with the same arguments or with others.
type Same<T> = Result<T, OtherArguments>;

struct OtherArguments;

impl LiveRun {
    /// A hash of a step's arguments, and what is recorded of the step.
    pub(in crate::engine) async fn past_step(
        &self,
        at: &Position,
        site: Site,
        step: &mut dyn ErasedStep,
    ) -> (u64, Option<StepPast>) {
        let meta = step.meta();
        let args = match step.hash_args() {
            Ok(args) => args,
            // Nothing has happened yet.
            Err(error) => {
                let message = format!("an argument of step `{}`: {error}", meta.name);
                match self.interrupt(at, Interrupt::Fail(Cause::Unrecordable { message })).await {}
            }
        };
        let same = |entry: &Entry| match entry {
            Entry::Step(known) if known.name == meta.name => Some(match &known.end {
                _ if known.args != args => Err(OtherArguments),
                Some(Err(cause)) if known.is_live_pivot() => Ok(StepPast::InDoubt(cause.clone())),
                Some(end) => Ok(StepPast::Ended(end.clone())),
                None => Ok(StepPast::Open),
            }),
            _ => None,
        };
        let past = self.recall(at, site, || awaits::step(meta), same).await;
        (args, self.same(at, site, past, || awaits::step(meta)).await)
    }

    /// Gives the body a step's end, unless it is one that no body is told of.
    pub(in crate::engine) async fn told(&self, at: &Position, end: Result<Payload, Cause>) -> Recorded {
        match end {
            Ok(output) => Ok(output),
            Err(cause) => match cause.error() {
                Some(error) => Err(error.clone()),
                None => match self.interrupt(at, Interrupt::Fail(cause)).await {},
            },
        }
    }

    /// When a timer wakes, and whether it has.
    pub(in crate::engine) async fn past_sleep(&self, at: &Position, site: Site) -> Option<(Timestamp, bool)> {
        let same = |entry: &Entry| match entry {
            Entry::Timer { wake_at, fired } => Some((*wake_at, *fired)),
            _ => None,
        };
        self.recall(at, site, awaits::timer, same).await
    }

    pub(in crate::engine) async fn past_signal(
        &self,
        at: &Position,
        site: Site,
        name: &str,
        limited: bool,
    ) -> Option<SignalPast> {
        let same = |entry: &Entry| match entry {
            Entry::Signal { name: recorded, payload, .. } if recorded == name => {
                Some(SignalPast::Taken(payload.clone()))
            }
            Entry::Timer { fired: true, .. } if limited => Some(SignalPast::Elapsed),
            Entry::Timer { wake_at, .. } if limited => Some(SignalPast::Until(*wake_at)),
            _ => None,
        };
        self.recall(at, site, || awaits::signal(name, limited), same).await
    }

    pub(in crate::engine) async fn past_draw(&self, at: &Position, site: Site, source: &str) -> Option<Payload> {
        let same = |entry: &Entry| match entry {
            Entry::Drawn { source: recorded, value } if recorded == source => Some(value.clone()),
            _ => None,
        };
        self.recall(at, site, || awaits::draw(source), same).await
    }

    /// Whether something was published here.
    pub(in crate::engine) async fn past_publish(&self, at: &Position, site: Site) -> bool {
        let same = |entry: &Entry| matches!(entry, Entry::Published).then_some(());
        self.recall(at, site, awaits::publish, same).await.is_some()
    }

    /// Whether the body has paused here.
    pub(in crate::engine) async fn past_pause(&self, at: &Position, site: Site) -> bool {
        let same = |entry: &Entry| matches!(entry, Entry::Pause).then_some(());
        self.recall(at, site, awaits::pause, same).await.is_some()
    }

    /// The record of another turn ends this one: there is never one in it, and whatever is recorded here diverges.
    pub(in crate::engine) async fn past_again(&self, at: &Position, site: Site, saga: &WorkflowMeta) {
        self.recall(at, site, || awaits::again(saga), |_| None::<()>).await;
    }

    /// Whether a turn may end here.
    pub(in crate::engine) async fn check_turn(&self, at: &Position, site: Site, saga: &WorkflowMeta) {
        let (name, version, root) = {
            let state = &self.lock().state;
            (state.start.workflow.clone(), state.start.version, state.root())
        };
        let refused = if at.parent() != Some(root.clone()) {
            Some("`again` is awaited by a run's own body, and not in a saga inside it or in a branch".to_owned())
        } else if (&*name, version) != (saga.name, saga.version) {
            Some(format!("`again` goes on with the same saga: this run is of `{name}` version {version}"))
        } else {
            None
        };
        if let Some(why) = refused {
            let message = format!("at {at}, {site}: {why}");
            match self.interrupt(at, Interrupt::Fail(Cause::Unrecordable { message })).await {}
        }
        // What is recorded behind this was done by a body that did not end here.
        let left = self.lock().unvisited_in(&root);
        if let Some((left, recorded)) = left {
            self.divergence(at, left, site, recorded, "begins another turn before it".to_owned()).await;
        }
    }

    /// The child that was started here.
    pub(in crate::engine) async fn past_child(&self, at: &Position, site: Site, new: &NewChild) -> Option<RunId> {
        let same = |entry: &Entry| match entry {
            Entry::Child { child, workflow, version, args } => {
                let same = *workflow == new.workflow && *version == new.version;
                same.then(|| if *args == new.args { Ok(child.clone()) } else { Err(OtherArguments) })
            }
            _ => None,
        };
        let past = self.recall(at, site, || awaits::child(new), same).await;
        self.same(at, site, past, || awaits::child(new)).await
    }

    pub(in crate::engine) async fn past_child_end(&self, at: &Position, site: Site, child: &RunId) -> Option<ChildEnd> {
        let same = |entry: &Entry| match entry {
            Entry::ChildEnd { child: recorded, end } if recorded == child => Some(end.clone()),
            _ => None,
        };
        self.recall(at, site, || awaits::child_end(child), same).await
    }

    pub(in crate::engine) async fn past_scope(
        &self,
        at: &Position,
        site: Site,
        saga: &WorkflowMeta,
        args: u64,
    ) -> Option<ScopePast> {
        let same = |entry: &Entry| match entry {
            Entry::Scope { saga: name, version, args: recorded, rollback, end }
                if *name == saga.name && *version == saga.version =>
            {
                Some(match (end, rollback) {
                    _ if *recorded != args => Err(OtherArguments),
                    (Some(end), _) => Ok(ScopePast::Ended(end.clone())),
                    (None, Some(cause)) => Ok(ScopePast::RollingBack(cause.clone())),
                    (None, None) => Ok(ScopePast::Open),
                })
            }
            _ => None,
        };
        let past = self.recall(at, site, || awaits::scope(saga), same).await;
        self.same(at, site, past, || format!("saga `{}`", saga.name)).await
    }

    /// A body that ends before it came to everything that is recorded has diverged.
    pub(in crate::engine) async fn check_scope(&self, scope: &Position) {
        let left = self.lock().unvisited_in(scope);
        if let Some((at, recorded)) = left {
            let site = Site::new("the end of the saga", 0);
            self.divergence(scope, at, site, recorded, "ends before it".to_owned()).await;
        }
    }

    /// The branch that has decided a group, if one has. Of a group that none has decided, nothing is recorded in a
    /// branch that the code has not: behind those that it has, it would come to light when they have done new things.
    pub(in crate::engine) async fn past_group(
        &self,
        at: &Position,
        site: Site,
        kind: GroupKind,
        branches: usize,
    ) -> Option<u32> {
        self.not_too_deep(at, site, &kind.to_string()).await;
        self.lock().group_begins(at, kind);
        let same = |entry: &Entry| match entry {
            Entry::Group { won, .. } => Some(*won),
            _ => None,
        };
        let Some(won) = self.recall(at, site, || format!("a {kind}"), same).await else {
            let left = self.lock().unvisited_beside(at, branches);
            self.in_no_branch(at, site, left).await;
            return None;
        };
        if !kind.has_losers() {
            let recorded = self.lock().describe(at);
            let found = format!("awaits a {kind}, which no branch decides");
            self.divergence(at, at.clone(), site, recorded, found).await;
        }
        Some(won)
    }

    /// A group whose branches have ended without coming to everything that is recorded in it has diverged.
    pub(in crate::engine) async fn check_group(&self, at: &Position, site: Site) {
        let left = self.lock().unvisited_in(at);
        self.in_no_branch(at, site, left).await;
    }

    async fn in_no_branch(&self, at: &Position, site: Site, left: Option<(Position, String)>) {
        if let Some((recorded_at, recorded)) = left {
            let found = "has no such branch, or one that ends before it".to_owned();
            self.divergence(at, recorded_at, site, recorded, found).await;
        }
    }

    /// The same operation with other arguments diverges.
    async fn same<T>(
        &self,
        at: &Position,
        site: Site,
        past: Option<Same<T>>,
        name: impl FnOnce() -> String,
    ) -> Option<T> {
        match past {
            None => None,
            Some(Ok(past)) => Some(past),
            Some(Err(OtherArguments)) => match self.other_arguments(at.clone(), site, name()).await {},
        }
    }
}
