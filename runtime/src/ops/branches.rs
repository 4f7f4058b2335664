//! Several operations at once, each in a branch of its own.
//!
//! What must always hold: a branch is polled only when something in it was
//! woken; the branch that decides a group is known before any other is polled
//! again; a group whose winner is recorded polls nobody else.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::{Cx, Durable};
use crate::engine::{GroupKind, Host};
use crate::id::Position;
use crate::platform::BoxFuture;
use crate::step::Site;

/// What a branch gives, kept until all have ended.
#[derive(Debug)]
pub(super) struct Output<T>(Arc<Mutex<Option<T>>>);

impl<T> Output<T> {
    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the branch gave, if it has ended.
    pub(super) fn take(&self) -> Option<T> {
        self.lock().take()
    }

    /// Whether the branch has given something like that.
    pub(super) fn is(&self, like: impl FnOnce(&T) -> bool) -> bool {
        self.lock().as_ref().is_some_and(like)
    }

    /// What a branch that has ended gave.
    pub(super) async fn taken(self) -> T {
        let taken = self.take();
        match taken {
            Some(value) => value,
            // There is none that has ended without a value.
            None => std::future::pending().await,
        }
    }
}

/// A branch that is not begun until it is polled: whether its end decides the group.
pub(super) type Branch<'c> = BoxFuture<'c, bool>;

/// An operation as a branch; `decides` looks at what it gives.
pub(super) fn branch<'c, App, D>(
    cx: &'c Cx<App>,
    group: &Position,
    index: u32,
    site: Site,
    operation: D,
    decides: fn(&D::Output) -> bool,
) -> (Branch<'c>, Output<D::Output>)
where
    App: Send + Sync + 'static,
    D: Durable<App> + 'c,
    D::Output: Send + 'c,
{
    let output = Output(Arc::new(Mutex::new(None)));
    let (kept, group) = (Output(output.0.clone()), group.clone());
    let branch = Box::pin(async move {
        let inner = cx.branch(&group, index);
        let value = operation.perform(&inner, site).await;
        let decides = decides(&value);
        *kept.lock() = Some(value);
        decides
    });
    (branch, output)
}

/// A body as a branch, whose end decides the group; one that `fails` decides nothing, and is for who looks at what it gave.
pub(super) fn body<'c, App, T>(
    cx: Cx<App>,
    body: impl FnOnce(Cx<App>) -> BoxFuture<'c, T> + Send + 'c,
    fails: fn(&T) -> bool,
) -> (Branch<'c>, Output<T>)
where
    App: Send + Sync + 'static,
    T: Send + 'c,
{
    let output = Output(Arc::new(Mutex::new(None)));
    let kept = Output(output.0.clone());
    let branch = Box::pin(async move {
        let value = body(cx).await;
        let fails = fails(&value);
        *kept.lock() = Some(value);
        if fails {
            std::future::pending::<()>().await;
        }
        true
    });
    (branch, output)
}

/// What a group is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// What it is.
    pub(super) kind: GroupKind,
    /// How many branches run at once.
    pub(super) limit: usize,
}

/// Runs a group to its end; gives the branch that decided it, if one did.
pub(super) async fn run(
    host: &dyn Host,
    at: Position,
    site: Site,
    group: Group,
    mut branches: Vec<Branch<'_>>,
) -> Option<u32> {
    if let Some(won) = host.group(at.clone(), site, group.kind, branches.len()).await {
        let index = won as usize;
        if index >= branches.len() {
            let found = format!("awaits a {} of {} branches", group.kind, branches.len());
            match host.diverge(at, site, found).await {}
        }
        // Its end is recorded, and what the others did is, too.
        branches.swap_remove(index).await;
        drop(branches);
        host.end_losers(at).await;
        return Some(won);
    }
    let mut polled = Polled::new(branches, group.limit, host);
    let decided = polled.until_decided().await;
    match decided {
        None => host.leave_group(at, site).await,
        Some(won) => {
            host.decide(&at, won);
            polled.until_stopped(|branch| host.has_stopped(&at.branch(branch))).await;
            drop(polled);
            host.end_losers(at).await;
        }
    }
    decided
}

/// Wakes the group for one of its branches.
#[derive(Debug)]
struct Woken {
    woken: AtomicBool,
    group: Arc<Mutex<Option<Waker>>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner).clone();
        group.into_iter().for_each(Waker::wake);
    }
}

struct Slot<'c> {
    index: usize,
    branch: Branch<'c>,
    woken: Arc<Woken>,
    waker: Waker,
}

/// The branches of a group that is under way.
struct Polled<'c> {
    group: Arc<Mutex<Option<Waker>>>,
    running: Vec<Slot<'c>>,
    /// Those that wait for their turn.
    rest: std::vec::IntoIter<(usize, Branch<'c>)>,
    limit: usize,
}

impl<'c> Polled<'c> {
    fn new(branches: Vec<Branch<'c>>, limit: usize, host: &dyn Host) -> Self {
        let mut order: Vec<(usize, usize)> = match host.order(branches.len()) {
            Some(order) => order.into_iter().enumerate().map(|(rank, index)| (index, rank)).collect(),
            None => Vec::new(),
        };
        order.sort_unstable();
        let mut ranked: Vec<(usize, usize, Branch<'c>)> = branches
            .into_iter()
            .enumerate()
            .map(|(index, branch)| (order.get(index).map_or(index, |(_, rank)| *rank), index, branch))
            .collect();
        ranked.sort_by_key(|(rank, ..)| *rank);
        let rest: Vec<(usize, Branch<'c>)> = ranked.into_iter().map(|(_, index, branch)| (index, branch)).collect();
        Polled { group: Arc::default(), running: Vec::new(), rest: rest.into_iter(), limit: limit.max(1) }
    }

    /// Whoever wakes a branch wakes this task.
    fn listen(&self, cx: &Context<'_>) {
        let mut waker = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    fn begin_more(&mut self) {
        while self.running.len() < self.limit
            && let Some((index, branch)) = self.rest.next()
        {
            let woken = Arc::new(Woken { woken: AtomicBool::new(true), group: self.group.clone() });
            let waker = Waker::from(woken.clone());
            self.running.push(Slot { index, branch, woken, waker });
        }
    }

    /// Completes when all branches have ended, or one has decided.
    async fn until_decided(&mut self) -> Option<u32> {
        poll_fn(|cx| {
            self.listen(cx);
            loop {
                self.begin_more();
                let mut ended = false;
                let mut at = 0;
                while let Some(slot) = self.running.get_mut(at) {
                    match slot.poll() {
                        Poll::Pending => at += 1,
                        Poll::Ready(decides) => {
                            let index = self.running.remove(at).index;
                            if decides {
                                return Poll::Ready(u32::try_from(index).ok());
                            }
                            ended = true;
                        }
                    }
                }
                if self.running.is_empty() && self.rest.len() == 0 {
                    return Poll::Ready(None);
                }
                if !(ended && self.rest.len() > 0) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Completes when each branch has ended, or `has_stopped` says that it can be dropped.
    async fn until_stopped(&mut self, has_stopped: impl Fn(u32) -> bool) {
        self.rest = Vec::new().into_iter();
        self.running.iter().for_each(|slot| slot.woken.woken.store(true, Ordering::Release));
        poll_fn(|cx| {
            self.listen(cx);
            self.running.retain_mut(|slot| {
                let ended = slot.poll().is_ready();
                !(ended || u32::try_from(slot.index).is_ok_and(&has_stopped))
            });
            if self.running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Slot<'_> {
    /// Polls the branch if something in it was woken.
    fn poll(&mut self) -> Poll<bool> {
        if !self.woken.woken.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        self.branch.as_mut().poll(&mut Context::from_waker(&self.waker))
    }
}
