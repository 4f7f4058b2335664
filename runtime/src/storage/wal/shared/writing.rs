//! What the writer is told, and tells.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Kept, Lingered, LiveSegment, Shared, Spare};
use crate::id::Lsn;
use crate::storage::StorageError;
use crate::storage::wal::queue::Batch;
use crate::storage::wal::segment::FRAMES_AT;

/// What the writer is to do next.
#[derive(Debug)]
pub(in crate::storage::wal) enum Work {
    /// Wait for a moment, for more than there is.
    Linger(Lingered),
    /// Write this frame; the bytes are for [`Shared::finished`].
    Write { batch: Batch, bytes: usize, durable: Lsn },
    /// Sync what was written.
    Sync,
    /// Go on in a new segment, whose first record is this one.
    Seal { next: Lsn },
    /// Nothing is left: close the log.
    Close { last: Lsn },
    /// Nothing is left and nobody is there: let go.
    Leave,
}

impl Shared {
    /// What there is to do; keeps the waker when there is nothing.
    pub(in crate::storage::wal) fn poll_work(&self, lingered: Lingered, cx: &mut Context<'_>) -> Poll<Work> {
        let mut state = self.lock();
        if state.end.is_none() && state.may_linger(self.commit, lingered) {
            let waiting = state.durables.len();
            return Poll::Ready(Work::Linger(Lingered { times: lingered.times + 1, waiting }));
        }
        if state.end.is_none() {
            if mem::take(&mut state.tick) && state.durable < state.written {
                return Poll::Ready(Work::Sync);
            }
            let written = state.written;
            if state.seal.take_if(|wanted| *wanted <= written).is_some() && state.sealed() < written {
                return Poll::Ready(Work::Seal { next: Lsn(written.0 + 1) });
            }
            if let Some((batch, bytes)) = state.queue.take() {
                return Poll::Ready(Work::Write { batch, bytes, durable: state.durable });
            }
            if state.closing {
                return Poll::Ready(Work::Close { last: state.queue.last_lsn() });
            }
        }
        if state.abandoned {
            return Poll::Ready(Work::Leave);
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// A frame is written, and synced if `durable`.
    pub(in crate::storage::wal) fn finished(&self, batch: Batch, bytes: usize, durable: bool) {
        let mut state = self.lock();
        state.written = batch.last_lsn();
        state.stats.frames += 1;
        state.stats.records += u64::from(batch.count);
        state.stats.bytes += batch.bytes.len() as u64;
        if let Some(active) = state.segments.last_mut() {
            active.end += batch.bytes.len() as u64;
        }
        state.queue.done(bytes, batch.bytes);
        if durable {
            state.durable = state.written;
        }
        self.wake_ready(state);
    }

    /// All that is written is synced.
    pub(in crate::storage::wal) fn synced(&self) {
        let mut state = self.lock();
        state.durable = state.written;
        self.wake_ready(state);
    }

    pub(in crate::storage::wal) fn count_sync(&self) {
        self.lock().stats.syncs += 1;
    }

    /// Frames go to another segment from now on; one with the same first LSN, which has none, is replaced.
    pub(in crate::storage::wal) fn rotated(&self, segment: LiveSegment) {
        let mut state = self.lock();
        state.segments.retain(|old| old.segment.first_lsn < segment.first_lsn);
        state.segments.push(Kept { segment: Arc::new(segment), end: FRAMES_AT as u64 });
        self.wake_ready(state);
    }

    /// A spare segment, once there is one. `asked` is whether this was called before, for the same spare.
    ///
    /// When there is none, space is looked for once more; when there is none either, that is the error.
    pub(in crate::storage::wal) fn poll_spare(
        &self,
        asked: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Spare, StorageError>> {
        let mut state = self.lock();
        if let Some(end) = &state.end {
            return Poll::Ready(Err(end.clone()));
        }
        let preparer = state.spares.preparer.take();
        let polled = if let Some(spare) = state.spares.ready.pop_front() {
            Poll::Ready(Ok(spare))
        } else if let (true, Some(failure)) = (*asked, state.spares.given_up()) {
            Poll::Ready(Err(failure.clone().poison()))
        } else {
            state.spares.retry |= !*asked;
            *asked = true;
            state.writer = Some(cx.waker().clone());
            Poll::Pending
        };
        drop(state);
        preparer.into_iter().for_each(std::task::Waker::wake);
        polled
    }

    /// The writer writes nothing more; the preparer is to end.
    pub(in crate::storage::wal) fn end_writing(&self) {
        self.prod(|state| state.written_all = true);
    }
}
