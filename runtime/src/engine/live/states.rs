//! The states that a machine enters, for those who watch.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::StateSeen;

/// How many states are kept for one who watches.
const KEPT: usize = 1024;

/// What one who watches was not told yet.
#[derive(Debug, Default)]
struct Queue {
    states: VecDeque<StateSeen>,
    /// How many were dropped before the oldest of them.
    missed: u64,
}

/// The states that one who watches is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct States(Arc<Mutex<Queue>>);

/// What is next.
#[derive(Debug)]
pub(crate) enum NextState {
    Entered(StateSeen),
    /// So many were not asked for in time.
    Missed(u64),
}

impl States {
    pub(crate) fn next(&self) -> Option<NextState> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut queue.missed) {
            0 => queue.states.pop_front().map(NextState::Entered),
            missed => Some(NextState::Missed(missed)),
        }
    }

    fn push(&self, state: StateSeen) {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.states.len() == KEPT {
            queue.states.pop_front();
            queue.missed += 1;
        }
        queue.states.push_back(state);
    }
}

/// All who watch the states of one run.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<Vec<Weak<Mutex<Queue>>>>);

impl Watchers {
    pub(super) fn join(&self) -> States {
        let states = States::default();
        let mut watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(&states.0));
        states
    }

    pub(super) fn tell(&self, state: &StateSeen) {
        let watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.iter().filter_map(Weak::upgrade).for_each(|queue| States(queue).push(state.clone()));
    }
}
