//! Who is under way, and who is next: no clock, no task, no disk.
//!
//! What must always hold: whoever waits does so because every place is taken; of those that wait, the one that was
//! started first is next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::task::Waker;

use crate::id::RunNumber;

/// Runs that share one limit: those of a workflow, or of a key in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    pub(super) workflow: &'static str,
    pub(super) version: u32,
    pub(super) key: Option<String>,
    /// How many may be under way at once.
    pub(super) limit: u32,
}

#[derive(Debug, Default)]
struct Places {
    holding: BTreeSet<RunNumber>,
    waiting: BTreeMap<RunNumber, Option<Waker>>,
}

impl Places {
    /// Gives away what is free. Who is to be told.
    fn give(&mut self, limit: u32) -> Vec<Waker> {
        let mut woken = Vec::new();
        while self.holding.len() < limit as usize
            && let Some((next, waker)) = self.waiting.pop_first()
        {
            self.holding.insert(next);
            woken.extend(waker);
        }
        woken
    }
}

/// The places of all workflows that have a limit.
#[derive(Debug, Default)]
pub(super) struct Slots {
    lanes: HashMap<Lane, Places>,
    /// Where each run stands.
    of: HashMap<RunNumber, Lane>,
}

impl Slots {
    /// A run that is under way has a place, even if there is none.
    pub(super) fn hold(&mut self, run: RunNumber, lane: Lane) {
        let lane = self.of.entry(run).or_insert(lane);
        let places = self.lanes.entry(lane.clone()).or_default();
        places.waiting.remove(&run);
        places.holding.insert(run);
    }

    /// A run wants a place: it gets one, or waits. Who is to be told of a place.
    pub(super) fn join(&mut self, run: RunNumber, lane: Lane) -> Vec<Waker> {
        let lane = self.of.entry(run).or_insert(lane);
        let places = self.lanes.entry(lane.clone()).or_default();
        if !places.holding.contains(&run) {
            places.waiting.entry(run).or_default();
        }
        places.give(lane.limit)
    }

    /// A run gives up its place, or its wait. Who is to be told of a place.
    pub(super) fn leave(&mut self, run: RunNumber) -> Vec<Waker> {
        let Some(lane) = self.of.remove(&run) else { return Vec::new() };
        let Some(places) = self.lanes.get_mut(&lane) else { return Vec::new() };
        places.holding.remove(&run);
        places.waiting.remove(&run);
        let woken = places.give(lane.limit);
        if places.holding.is_empty() && places.waiting.is_empty() {
            self.lanes.remove(&lane);
        }
        woken
    }

    /// A run gives up its wait, and keeps its place if it has one.
    pub(super) fn step_back(&mut self, run: RunNumber) -> Vec<Waker> {
        if self.holds(run) { Vec::new() } else { self.leave(run) }
    }

    pub(super) fn holds(&self, run: RunNumber) -> bool {
        self.places(run).is_some_and(|places| places.holding.contains(&run))
    }

    pub(super) fn knows(&self, run: RunNumber) -> bool {
        self.of.contains_key(&run)
    }

    /// Whether a run waits no more; else `waker` is told when it does. With what it replaces.
    pub(super) fn look(&mut self, run: RunNumber, waker: Waker) -> (bool, Option<Waker>) {
        let places = self.of.get(&run).and_then(|lane| self.lanes.get_mut(lane));
        match places.and_then(|places| places.waiting.get_mut(&run)) {
            Some(waiting) => (false, waiting.replace(waker)),
            None => (true, None),
        }
    }

    fn places(&self, run: RunNumber) -> Option<&Places> {
        self.lanes.get(self.of.get(&run)?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use proptest::prelude::*;

    use super::*;

    fn lane(key: &str, limit: u32) -> Lane {
        Lane { workflow: "w", version: 1, key: Some(key.to_owned()), limit }
    }

    fn run(n: u64) -> RunNumber {
        RunNumber(n)
    }

    fn holding(slots: &Slots, runs: impl IntoIterator<Item = u64>) -> Vec<u64> {
        runs.into_iter().filter(|n| slots.holds(run(*n))).collect()
    }

    #[derive(Default)]
    struct Told(AtomicUsize);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn places_go_to_those_that_were_started_first() {
        let mut slots = Slots::default();
        // They come in another order than they were started in.
        for n in [2, 1, 5, 3, 4] {
            assert!(slots.join(run(n), lane("a", 2)).is_empty());
        }
        assert_eq!(holding(&slots, 1..=5), [1, 2]);
        slots.leave(run(1));
        assert_eq!(holding(&slots, 1..=5), [2, 3]);
        slots.leave(run(4));
        slots.leave(run(2));
        assert_eq!(holding(&slots, 1..=5), [3, 5]);
    }

    #[test]
    fn whoever_gets_a_place_is_told_and_nobody_else() {
        let mut slots = Slots::default();
        let told: Vec<Arc<Told>> = (0..3).map(|_| Arc::default()).collect();
        for n in 0..3 {
            slots.join(run(n), lane("a", 1));
        }
        for n in 1..3 {
            assert!(!slots.look(run(n), Waker::from(told[n as usize].clone())).0);
        }
        slots.leave(run(0)).into_iter().for_each(Waker::wake);
        let counts: Vec<usize> = told.iter().map(|told| told.0.load(Ordering::Relaxed)).collect();
        assert_eq!(counts, [0, 1, 0]);
        assert!(slots.look(run(1), Waker::noop().clone()).0);
    }

    #[test]
    fn keys_do_not_stand_in_each_others_way() {
        let mut slots = Slots::default();
        for n in 1..=4 {
            slots.join(run(n), lane(if n % 2 == 0 { "even" } else { "odd" }, 1));
        }
        assert_eq!(holding(&slots, 1..=4), [1, 2]);
        slots.leave(run(2));
        assert_eq!(holding(&slots, 1..=4), [1, 4]);
    }

    #[test]
    fn what_is_under_way_has_a_place_even_above_the_limit_and_nobody_else_gets_one_before_there_is_one() {
        let mut slots = Slots::default();
        for n in [1, 3, 4] {
            slots.hold(run(n), lane("a", 2));
        }
        slots.join(run(2), lane("a", 2));
        slots.leave(run(1));
        assert_eq!(holding(&slots, 1..=4), [3, 4]);
        slots.leave(run(3));
        assert_eq!(holding(&slots, 1..=4), [2, 4]);
    }

    #[test]
    fn stepping_back_ends_a_wait_and_keeps_a_place() {
        let mut slots = Slots::default();
        slots.join(run(1), lane("a", 1));
        slots.join(run(2), lane("a", 1));
        slots.join(run(3), lane("a", 1));
        slots.step_back(run(1));
        slots.step_back(run(2));
        assert_eq!(holding(&slots, 1..=3), [1]);
        slots.leave(run(1));
        assert_eq!(holding(&slots, 1..=3), [3]);
        slots.leave(run(3));
        assert!(slots.lanes.is_empty() && !slots.knows(run(2)));
    }

    proptest! {
        /// Against a list of those under way and one of those that wait.
        #[test]
        fn no_place_is_lost_and_none_is_given_twice(does in prop::collection::vec((0u64..12, 0u8..4), 0..80), limit in 1u32..4) {
            let mut slots = Slots::default();
            let (mut has, mut waits) = (BTreeSet::new(), BTreeSet::new());
            for (n, what) in does {
                match what {
                    0 | 1 => {
                        slots.join(run(n), lane("a", limit));
                        if !has.contains(&n) {
                            waits.insert(n);
                        }
                    }
                    2 => {
                        slots.leave(run(n));
                        has.remove(&n);
                        waits.remove(&n);
                    }
                    _ => {
                        slots.step_back(run(n));
                        waits.remove(&n);
                    }
                }
                while has.len() < limit as usize && let Some(next) = waits.pop_first() {
                    has.insert(next);
                }
                prop_assert_eq!(holding(&slots, 0..12), has.iter().copied().collect::<Vec<_>>());
            }
        }
    }
}
