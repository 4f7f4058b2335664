//! What callers ask of a log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use super::{Goal, LiveSegment, Retired, Shared, Ticket};
use crate::id::Lsn;
use crate::storage::StorageError;
use crate::storage::wal::WalStats;
use crate::storage::wal::queue::GroupWriter;

/// Files that are being read: they stay until this is dropped.
#[derive(Debug)]
pub(in crate::storage::wal) struct Readable {
    /// The last LSN that may be read.
    pub(in crate::storage::wal) through: Lsn,
    pub(in crate::storage::wal) segments: Vec<Arc<LiveSegment>>,
    shared: Arc<Shared>,
}

impl Drop for Readable {
    fn drop(&mut self) {
        self.segments.clear();
        self.shared.prod(|_| {});
    }
}

impl Shared {
    /// Queues a group; with a waker, somebody waits for it from now on.
    pub(in crate::storage::wal) fn append(
        &self,
        group: impl FnOnce(&mut GroupWriter<'_>),
        waker: Option<&Waker>,
    ) -> Result<(Lsn, Option<Ticket>), StorageError> {
        let mut state = self.lock();
        if let Some(end) = &state.end {
            return Err(end.clone());
        }
        if state.closing {
            return Err(StorageError::Closed);
        }
        let lsn = state.queue.append(group)?;
        self.queued.store(state.queue.bytes(), Ordering::Release);
        let ticket = match self.commit {
            true => waker.map(|waker| (Goal::Durable(lsn), state.durables.join(lsn, waker))),
            false => {
                self.acknowledged.store(lsn.0, Ordering::Release);
                None
            }
        };
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        Ok((lsn, ticket))
    }

    /// One poll of a waiter; `ticket` is where its waker is kept.
    pub(in crate::storage::wal) fn poll(
        &self,
        goal: Goal,
        ticket: &mut Option<Ticket>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), StorageError>> {
        if let Goal::Durable(lsn) = goal
            && self.is_acknowledged(lsn)
        {
            // Whoever said so takes, or has taken, its waker out.
            *ticket = None;
            return Poll::Ready(Ok(()));
        }
        let mut state = self.lock();
        if let Some(result) = self.result(&state, goal) {
            if let Some(ticket) = ticket.take() {
                state.forget(ticket);
            }
            return Poll::Ready(result);
        }
        match (goal, *ticket) {
            (Goal::Durable(lsn), None) => *ticket = Some((goal, state.durables.join(lsn, cx.waker()))),
            (Goal::Durable(lsn), Some((_, number))) => state.durables.renew(lsn, number, cx.waker()),
            _ => {
                let key = *ticket.get_or_insert_with(|| {
                    state.tickets += 1;
                    (goal, state.tickets)
                });
                match state.waiters.get_mut(&key) {
                    Some(waker) => waker.clone_from(cx.waker()),
                    None => {
                        state.waiters.insert(key, cx.waker().clone());
                    }
                }
            }
        }
        Poll::Pending
    }

    /// A waiter is no more.
    pub(in crate::storage::wal) fn forget(&self, ticket: Ticket) {
        self.lock().forget(ticket);
    }

    pub(in crate::storage::wal) fn begin_close(&self) {
        self.prod(|state| state.closing = true);
    }

    pub(in crate::storage::wal) fn abandon(&self) {
        self.prod(|state| state.abandoned = true);
    }

    /// The time for a sync has come.
    pub(in crate::storage::wal) fn tick(&self) {
        let mut state = self.lock();
        state.tick = state.durable < state.written;
        let writer = if state.tick { state.writer.take() } else { None };
        drop(state);
        writer.into_iter().for_each(Waker::wake);
    }

    /// Closes the segment that holds what was appended last; gives that LSN.
    pub(in crate::storage::wal) fn begin_seal(&self) -> Lsn {
        let mut wanted = Lsn(0);
        self.prod(|state| {
            wanted = state.queue.last_lsn();
            state.seal = Some(wanted);
        });
        wanted
    }

    /// The last LSN in a segment that is closed for good.
    pub(in crate::storage::wal) fn sealed_lsn(&self) -> Lsn {
        self.lock().sealed()
    }

    /// The salt that the next segment gets.
    pub(in crate::storage::wal) fn next_salt(&self) -> u64 {
        self.lock().segments.last().map_or(1, |active| active.segment.salt + 1)
    }

    /// The first LSN that is in a file.
    pub(in crate::storage::wal) fn oldest_lsn(&self) -> Lsn {
        self.lock().oldest()
    }

    /// Nobody needs the records up to `through` any more.
    pub(in crate::storage::wal) fn retire(&self, through: Lsn) {
        self.prod(|state| {
            let ends = state.segments.iter().skip(1).map(|after| Lsn(after.segment.first_lsn.0 - 1));
            let old = ends.take_while(|end| *end <= through).count();
            state.spares.retired.extend(state.segments.drain(..old).map(Retired::from));
        });
    }

    /// Whether the space beyond the reserve cannot be had.
    pub(in crate::storage::wal) fn is_low(&self) -> bool {
        self.lock().spares.is_low()
    }

    /// There may be space again.
    pub(in crate::storage::wal) fn retry_space(&self) {
        self.prod(|state| state.spares.retry = true);
    }

    pub(in crate::storage::wal) fn durable_lsn(&self) -> Lsn {
        self.lock().durable
    }

    pub(in crate::storage::wal) fn stats(&self) -> WalStats {
        self.lock().stats
    }

    /// The last LSN that may be read from files, and the files, which stay as long as this is kept.
    pub(in crate::storage::wal) fn readable(self: &Arc<Self>) -> Readable {
        let state = self.lock();
        let through = if self.commit { state.durable } else { state.written };
        let segments = state.segments.iter().map(|kept| kept.segment.clone()).collect();
        Readable { through, segments, shared: self.clone() }
    }

    /// How many waiters are kept.
    #[cfg(test)]
    pub(in crate::storage::wal) fn waiters(&self) -> usize {
        let state = self.lock();
        state.waiters.len() + state.durables.len()
    }
}
