//! The end of an engine: first gently, then not.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It runs.
    Open = 0,
    /// Runs stop at their next await; attempts in the air go on.
    Parking = 1,
    /// Attempts in the air are dropped.
    Aborting = 2,
    /// Nothing runs any more.
    Stopped = 3,
}

/// Tells everybody that the engine ends, and counts who is still at work.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    stage: AtomicU8,
    changed: Notify,
    working: AtomicUsize,
    idle: Notify,
}

impl Stop {
    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Open,
            1 => Stage::Parking,
            2 => Stage::Aborting,
            _ => Stage::Stopped,
        }
    }

    /// Goes on to a stage; never back. Whether this call was the one that did.
    pub(crate) fn advance(&self, stage: Stage) -> bool {
        let advanced = self.stage.fetch_max(stage as u8, Ordering::AcqRel) < stage as u8;
        self.changed.notify_waiters();
        advanced
    }

    /// Completes at a stage or later.
    pub(crate) async fn reached(&self, stage: Stage) {
        loop {
            let changed = self.changed.notified();
            if self.stage() >= stage {
                return;
            }
            changed.await;
        }
    }

    /// Completes when attempts in the air are to be dropped and recorded so.
    pub(crate) async fn aborting(&self) {
        self.reached(Stage::Aborting).await;
        if self.stage() == Stage::Stopped {
            // Killed: nothing is recorded any more.
            std::future::pending().await
        }
    }

    /// Counts one that is at work until the guard is dropped.
    pub(crate) fn work(self: &std::sync::Arc<Self>) -> Working {
        self.working.fetch_add(1, Ordering::AcqRel);
        Working(self.clone())
    }

    /// Completes when nobody is at work.
    pub(crate) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.working.load(Ordering::Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// One that is at work.
#[derive(Debug)]
pub(crate) struct Working(std::sync::Arc<Stop>);

impl Drop for Working {
    fn drop(&mut self) {
        if self.0.working.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
