//! Who waits until a record is durable, in the order of the records.

use std::collections::VecDeque;
use std::task::Waker;

use crate::id::Lsn;

/// See the module. Most wait for a record that was just appended: they come and go at the ends.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: VecDeque<Waiter>,
    /// Counts those that have come: two may wait for one record.
    come: u64,
}

#[derive(Debug)]
struct Waiter {
    key: (Lsn, u64),
    waker: Waker,
}

impl Waiters {
    /// Somebody waits for a record. The number that is its own.
    pub(super) fn join(&mut self, lsn: Lsn, waker: &Waker) -> u64 {
        self.come += 1;
        let key = (lsn, self.come);
        let behind = self.waiting.iter().rev().take_while(|waiter| waiter.key > key).count();
        self.waiting.insert(self.waiting.len() - behind, Waiter { key, waker: waker.clone() });
        self.come
    }

    /// It waits still, and is woken by this.
    pub(super) fn renew(&mut self, lsn: Lsn, number: u64, waker: &Waker) {
        if let Ok(at) = self.find(lsn, number) {
            self.waiting[at].waker.clone_from(waker);
        }
    }

    pub(super) fn leave(&mut self, lsn: Lsn, number: u64) {
        if let Ok(at) = self.find(lsn, number) {
            self.waiting.remove(at);
        }
    }

    fn find(&self, lsn: Lsn, number: u64) -> Result<usize, usize> {
        self.waiting.binary_search_by_key(&(lsn, number), |waiter| waiter.key)
    }

    /// Those for whose records `is_over` says so, from the first on, until it does not.
    pub(super) fn take_while(&mut self, is_over: impl Fn(Lsn) -> bool, ready: &mut Vec<Waker>) {
        while self.waiting.front().is_some_and(|first| is_over(first.key.0)) {
            ready.extend(self.waiting.pop_front().map(|first| first.waker));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}
