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
#[derive(Debug)]
pub(super) struct Watchers(Mutex<Told>);

#[derive(Debug)]
struct Told {
    /// The visit of the state that was told last.
    visit: u32,
    queues: Vec<Weak<Mutex<Queue>>>,
}

impl Watchers {
    /// Of a run in its visit of a state.
    pub(super) fn new(visit: u32) -> Watchers {
        Watchers(Mutex::new(Told { visit, queues: Vec::new() }))
    }

    pub(super) fn join(&self) -> States {
        let states = States::default();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.queues.retain(|queue| queue.strong_count() > 0);
        told.queues.push(Arc::downgrade(&states.0));
        states
    }

    /// Tells of the state that the run is in now, unless that was told before.
    pub(super) fn tell(&self, state: &StateSeen) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.visit > told.visit {
            told.visit = state.visit;
            told.queues.iter().filter_map(Weak::upgrade).for_each(|queue| States(queue).push(state.clone()));
        }
    }
}
