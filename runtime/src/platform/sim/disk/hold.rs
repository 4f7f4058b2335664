//! Syncs that wait until they are told to go on: for tests that run on threads.

use std::collections::BTreeSet;
use std::sync::MutexGuard;
use std::time::Duration;

use super::Disk;
use super::op::Op;
use super::state::State;

/// How long a test waits for what must come before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Which syncs wait.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Of files whose names end so.
    files: BTreeSet<String>,
    /// How many wait now.
    pub(super) waiting: usize,
    /// Whether the next that goes on fails.
    fails: bool,
}

impl Held {
    /// Nothing is held any more.
    pub(super) fn end(&mut self) {
        self.files.clear();
        self.fails = false;
    }

    fn holds(&self, op: &Op) -> bool {
        matches!(op, Op::Sync(name) if self.files.iter().any(|held| name.ends_with(held)))
    }
}

impl Disk {
    /// From now on the syncs of `.wal` files wait. The thread that syncs is blocked meanwhile, so nothing for a
    /// simulation on one thread.
    pub fn hold_syncs(&self) {
        self.hold_syncs_of("wal");
    }

    /// From now on the syncs of files whose names end so wait.
    pub fn hold_syncs_of(&self, suffix: &str) {
        self.state().held.files.insert(suffix.to_owned());
    }

    /// Waits until a sync waits.
    ///
    /// # Panics
    /// When none comes.
    pub fn until_held(&self) {
        let nobody = |state: &mut State| state.held.waiting == 0;
        let waited = self.inner.changed.wait_timeout_while(self.state(), PATIENCE, nobody);
        let (state, wait) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        assert!(!wait.timed_out(), "nothing is synced: {:?}", state.ops);
    }

    /// The sync that waits now will fail.
    pub fn fail_held(&self) {
        self.state().held.fails = true;
    }

    /// All syncs go on, and wait no more.
    pub fn release_syncs(&self) {
        self.state().held.files.clear();
        self.inner.changed.notify_all();
    }

    /// Waits as long as a sync is held; then whether it fails on command.
    pub(super) fn held<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        op: &Op,
        process: u64,
    ) -> (MutexGuard<'a, State>, bool) {
        if !state.held.holds(op) {
            return (state, false);
        }
        state.held.waiting += 1;
        self.inner.changed.notify_all();
        let wait = |state: &mut State| state.held.holds(op) && state.alive(process).is_ok();
        state = self.inner.changed.wait_while(state, wait).unwrap_or_else(std::sync::PoisonError::into_inner);
        state.held.waiting -= 1;
        let fails = std::mem::take(&mut state.held.fails);
        (state, fails)
    }
}
