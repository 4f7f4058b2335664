//! When sleeping runs wake by themselves: the next of them in memory, the others in the table of timers.
//!
//! What must always hold: every timer of the store up to `through` is in memory; whoever begins to sleep has its timer
//! in the store before it comes here. A timer in memory whose run was woken by something else does no harm.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::load::each;
use super::tables;
use crate::id::RunNumber;
use crate::storage::StorageError;
use crate::storage::checkpoint::{CheckpointStore, KeyRange};
use crate::time::Timestamp;

/// So many timers are read at once; twice as many are kept, at most.
const PAGE: usize = 16 << 10;

type Wake = (Timestamp, RunNumber);

/// When sleeping runs wake by themselves.
#[derive(Debug)]
pub(crate) struct Sleepers {
    queue: Mutex<Queue>,
    page: usize,
    sooner: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    wakes: BTreeSet<Wake>,
    /// Those that could not be brought back when it was time.
    again: BTreeSet<Wake>,
    /// Up to here all are in memory; without an end if there is none.
    through: Option<Wake>,
    /// The store is read: whoever comes now may not be in what is read.
    reading: bool,
}

fn wake(key: &[u8]) -> Option<Wake> {
    tables::first_time(key).zip(tables::last_number(key).map(RunNumber))
}

impl Sleepers {
    /// The sleepers of a store, and how many they are.
    pub(crate) async fn open(store: &dyn CheckpointStore) -> Result<(Sleepers, usize), StorageError> {
        Sleepers::with_page(store, PAGE).await
    }

    async fn with_page(store: &dyn CheckpointStore, page: usize) -> Result<(Sleepers, usize), StorageError> {
        let (mut wakes, mut count) = (BTreeSet::new(), 0);
        each(store, tables::TIMERS, KeyRange::all(), |key, _| {
            count += 1;
            if count <= page {
                wakes.extend(wake(key));
            }
        })
        .await?;
        let through = wakes.last().copied().filter(|_| count > page);
        let queue = Queue { wakes, through, ..Queue::default() };
        Ok((Sleepers { queue: Mutex::new(queue), page, sooner: Notify::new() }, count))
    }

    /// These sleep now, and their timers are in the store.
    pub(super) fn add(&self, wakes: impl IntoIterator<Item = Wake>) {
        let mut queue = self.lock();
        let next = queue.next();
        for wake in wakes {
            if queue.reading || queue.through.is_none_or(|through| wake <= through) {
                queue.wakes.insert(wake);
            }
        }
        // While the store is read, how far all are in memory is about to change: whoever comes then is cut the next time.
        if !queue.reading && queue.wakes.len() > 2 * self.page {
            queue.cut(self.page);
        }
        let sooner = queue.next() < next || next.is_none();
        drop(queue);
        if sooner {
            self.sooner.notify_one();
        }
    }

    /// One that could not be brought back is to be tried again.
    pub(super) fn again(&self, at: Timestamp, run: RunNumber) {
        self.lock().again.insert((at, run));
        self.sooner.notify_one();
    }

    /// Completes when somebody is to wake sooner than all before. Made before [`next`](Self::next) is asked.
    pub(super) fn sooner(&self) -> Notified<'_> {
        self.sooner.notified()
    }

    /// When to look next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.lock().next()
    }

    /// Takes runs whose time has come, at most so many.
    pub(super) async fn due(
        &self,
        now: Timestamp,
        most: usize,
        store: &dyn CheckpointStore,
    ) -> Result<Vec<RunNumber>, StorageError> {
        self.refill(now, store).await?;
        let mut queue = self.lock();
        let mut due = Vec::new();
        while due.len() < most
            && let Some((_, run)) = queue.take(now)
        {
            due.push(run);
        }
        Ok(due)
    }

    /// Reads the next timers when all that are in memory are taken.
    async fn refill(&self, now: Timestamp, store: &dyn CheckpointStore) -> Result<(), StorageError> {
        let (at, run) = {
            let mut queue = self.lock();
            match queue.through {
                Some(through) if through.0 <= now && queue.wakes.first().is_none_or(|wake| *wake > through) => {
                    queue.reading = true;
                    through
                }
                _ => return Ok(()),
            }
        };
        let read = store.scan(tables::TIMERS, KeyRange::after(tables::at(at, run)), self.page).await;
        let mut queue = self.lock();
        queue.reading = false;
        let read: Vec<Wake> = read?.iter().filter_map(|(key, _)| wake(key)).collect();
        queue.through = read.last().copied().filter(|_| read.len() == self.page);
        queue.wakes.extend(read);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn next(&self) -> Option<Timestamp> {
        // The ones behind `through` are looked for when it has passed.
        let known = self.wakes.first().into_iter().chain(&self.through);
        known.chain(self.again.first()).map(|(at, _)| *at).min()
    }

    fn take(&mut self, now: Timestamp) -> Option<Wake> {
        let due = |wakes: &BTreeSet<Wake>| wakes.first().is_some_and(|(at, _)| *at <= now);
        if due(&self.again) {
            return self.again.pop_first();
        }
        if due(&self.wakes) { self.wakes.pop_first() } else { None }
    }

    /// Keeps the first of those in memory: the others are in the store.
    fn cut(&mut self, keep: usize) {
        if let Some(first) = self.wakes.iter().nth(keep).copied() {
            self.wakes.split_off(&first);
            let last = self.wakes.last().copied();
            self.through = [self.through, last].into_iter().flatten().min();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use proptest::prelude::*;

    use super::*;
    use crate::id::Lsn;
    use crate::storage::checkpoint::{Batch, MemoryCheckpoint};

    const PAGE: usize = 4;

    /// What a future gives that never waits.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it waits"),
        }
    }

    fn put(store: &MemoryCheckpoint, wakes: &[Wake]) {
        let mut batch = Batch::new();
        for (at, run) in wakes {
            batch.put(tables::TIMERS, tables::at(*at, *run), Vec::new());
        }
        now(store.apply(batch, Lsn(0))).unwrap();
    }

    proptest! {
        /// Whoever sleeps wakes once, when it is time and not before; memory has a bound.
        #[test]
        fn everybody_wakes_once_and_in_time(
            before in prop::collection::vec(0i64..60, 0..40),
            does in prop::collection::vec((0u8..3, 0i64..60), 0..120),
        ) {
            let store = MemoryCheckpoint::new();
            let before: Vec<Wake> = before.into_iter().zip(1..).map(|(at, n)| (Timestamp(at), RunNumber(n))).collect();
            put(&store, &before);
            let (sleepers, count) = now(Sleepers::with_page(&store, PAGE)).unwrap();
            prop_assert_eq!(count, before.len());
            let mut asleep: BTreeSet<Wake> = before.iter().copied().collect();
            let (mut clock, mut number) = (0, 1000);
            for (what, n) in does {
                if what == 0 {
                    clock += n / 6;
                    // Until none is due.
                    loop {
                        let due = now(sleepers.due(Timestamp(clock), 3, &store)).unwrap();
                        if due.is_empty() {
                            break;
                        }
                        for run in due {
                            let wake = asleep.iter().find(|wake| wake.1 == run).copied().expect("it sleeps");
                            prop_assert!(wake.0.0 <= clock, "too early");
                            asleep.remove(&wake);
                            // What the run records takes it away.
                            let mut woken = Batch::new();
                            woken.remove(tables::TIMERS, tables::at(wake.0, wake.1));
                            now(store.apply(woken, Lsn(0))).unwrap();
                        }
                    }
                    prop_assert!(asleep.iter().all(|(at, _)| at.0 > clock), "somebody is late");
                } else {
                    number += 1;
                    // The past, too: a clock may be set back.
                    let wake = (Timestamp(clock + n - 10), RunNumber(number));
                    put(&store, &[wake]);
                    sleepers.add([wake]);
                    asleep.insert(wake);
                }
                let next = sleepers.next();
                prop_assert!(asleep.first().is_none_or(|(at, _)| next.is_some_and(|next| next <= *at)));
                prop_assert!(sleepers.lock().wakes.len() <= 2 * PAGE + 1);
            }
        }
    }

    #[test]
    fn one_that_begins_to_sleep_while_the_store_is_read_is_not_lost() {
        let store = MemoryCheckpoint::new();
        let at = |n| (Timestamp(n), RunNumber(n as u64));
        put(&store, &(1..=6).map(at).collect::<Vec<_>>());
        let (sleepers, _) = now(Sleepers::with_page(&store, PAGE)).unwrap();
        assert_eq!(now(sleepers.due(Timestamp(4), 9, &store)).unwrap().len(), 4);
        // As if it had come when the rows had been read, and the page was not there yet.
        sleepers.lock().reading = true;
        sleepers.add([at(9)]);
        assert_eq!(sleepers.next(), Some(Timestamp(4)), "there may be sooner ones in the store");
        let due = now(sleepers.due(Timestamp(9), 9, &store)).unwrap();
        assert_eq!(due, [5, 6, 9].map(RunNumber));
    }

    #[test]
    fn none_of_many_that_begin_to_sleep_while_the_store_is_read_is_lost() {
        let store = MemoryCheckpoint::new();
        let at = |n| (Timestamp(n), RunNumber(n as u64));
        put(&store, &(1..=6).map(at).collect::<Vec<_>>());
        let (sleepers, _) = now(Sleepers::with_page(&store, PAGE)).unwrap();
        assert_eq!(now(sleepers.due(Timestamp(4), 9, &store)).unwrap().len(), 4);
        // They come behind the look at the store, which does not see them, and before its page is there.
        sleepers.lock().reading = true;
        (7..=17).for_each(|n| sleepers.add([at(n)]));
        let due = now(sleepers.due(Timestamp(17), 99, &store)).unwrap();
        assert_eq!(due, (5..=17).map(RunNumber).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_tried_again_outlives_a_cut() {
        let store = MemoryCheckpoint::new();
        let (sleepers, _) = now(Sleepers::with_page(&store, PAGE)).unwrap();
        sleepers.again(Timestamp(100), RunNumber(7));
        let wakes: Vec<Wake> = (1..=20).map(|n| (Timestamp(n), RunNumber(n as u64))).collect();
        put(&store, &wakes);
        wakes.into_iter().for_each(|wake| sleepers.add([wake]));
        assert!(sleepers.lock().wakes.len() <= 2 * PAGE);
        let mut woken = 0;
        loop {
            let due = now(sleepers.due(Timestamp(100), 64, &store)).unwrap();
            woken += due.len();
            if due.is_empty() {
                break;
            }
        }
        assert_eq!(woken, 21);
    }
}
