//! What is forgotten: runs that ended long ago, and in the end their ids.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::task::{Checkpointer, broken};
use super::{Broken, tables};
use crate::engine::Error;
use crate::engine::core::Core;
use crate::id::{Lsn, RunNumber};
use crate::record::Event;
use crate::storage::StorageError;
use crate::storage::checkpoint::{Batch, KeyRange};
use crate::time::Timestamp;

/// So many are forgotten at a time, at most.
const ROUND: usize = 10_000;

/// What the retention has to know between two rounds.
#[derive(Debug, Default)]
pub(crate) struct Forgetting {
    /// Runs whose deletion is recorded and not applied.
    deleting: Mutex<BTreeSet<RunNumber>>,
    counts: Mutex<Counts>,
}

/// How many rows there are, once they have been counted.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    ended: Option<u64>,
    tombs: Option<u64>,
}

impl Forgetting {
    /// A record says that these runs are deleted.
    pub(crate) fn recorded(&self, runs: impl IntoIterator<Item = RunNumber>) {
        self.deleting.lock().unwrap_or_else(PoisonError::into_inner).extend(runs);
    }

    /// A batch was applied in which so many runs ended, and these were deleted.
    pub(super) fn applied(&self, ended: u64, deleted: &[RunNumber]) {
        let mut deleting = self.deleting.lock().unwrap_or_else(PoisonError::into_inner);
        for run in deleted {
            deleting.remove(run);
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = deleted.len() as u64;
        counts.ended = counts.ended.map(|count| (count + ended).saturating_sub(gone));
        counts.tombs = counts.tombs.map(|count| count + gone);
    }

    fn is_deleting(&self, run: RunNumber) -> bool {
        self.deleting.lock().unwrap_or_else(PoisonError::into_inner).contains(&run)
    }

    fn pending(&self) -> u64 {
        self.deleting.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Whether something of this moment is older than `age`.
fn is_old(at: Timestamp, age: Option<Duration>, now: Timestamp) -> bool {
    age.is_some_and(|age| now.since(at) > age)
}

impl Core {
    /// Records that old runs are deleted, and forgets old tombstones.
    pub(super) async fn forget_old(&self) -> Result<(), Error> {
        let retention = self.checkpoint.policy.retention;
        if retention.age.is_some() || retention.count.is_some() {
            self.forget_runs().await?;
        }
        if retention.tombstone_age.is_some() || retention.tombstone_count.is_some() {
            self.checkpoint.forget_tombs(self.now()).await?;
        }
        Ok(())
    }

    async fn forget_runs(&self) -> Result<(), Error> {
        let checkpoint = &self.checkpoint;
        let retention = checkpoint.policy.retention;
        let excess = match retention.count {
            Some(count) => checkpoint.ended().await?.saturating_sub(checkpoint.forgetting.pending() + count),
            None => 0,
        };
        let now = self.now();
        let page = checkpoint.again(|| checkpoint.store.scan(tables::ENDED, KeyRange::all(), ROUND)).await?;
        let mut left = excess;
        for (key, _) in page {
            let (Some(at), Some(number)) = (tables::first_time(&key), tables::last_number(&key)) else {
                return Err(broken(Broken::new("the key of an ended run", "it is too short")).into());
            };
            let number = RunNumber(number);
            if checkpoint.forgetting.is_deleting(number) {
                continue;
            }
            if left == 0 && !is_old(at, retention.age, now) {
                break;
            }
            left = left.saturating_sub(1);
            self.journal.append_events(number, now, &[Event::RunDeleted {}])?;
            checkpoint.forgetting.recorded([number]);
        }
        Ok(())
    }
}

impl Checkpointer {
    /// Whether a run's deletion is recorded and not applied.
    pub(crate) fn is_deleting(&self, run: RunNumber) -> bool {
        self.forgetting.is_deleting(run)
    }

    /// How many runs have ended and are known.
    async fn ended(&self) -> Result<u64, StorageError> {
        if let Some(count) = self.forgetting.counts().ended {
            return Ok(count);
        }
        let count = self.count(tables::ENDED).await?;
        self.forgetting.set(|counts| counts.ended = Some(count));
        Ok(count)
    }

    async fn tombs(&self) -> Result<u64, StorageError> {
        if let Some(count) = self.forgetting.counts().tombs {
            return Ok(count);
        }
        let count = self.count(tables::TOMB_TIMES).await?;
        self.forgetting.set(|counts| counts.tombs = Some(count));
        Ok(count)
    }

    async fn count(&self, table: &str) -> Result<u64, StorageError> {
        let (mut count, mut range) = (0, KeyRange::all());
        loop {
            let page = self.again(|| self.store.scan(table, range.clone(), ROUND)).await?;
            count += page.len() as u64;
            match page.last() {
                Some((key, _)) if page.len() == ROUND => range = range.resume_after(key.clone()),
                _ => return Ok(count),
            }
        }
    }

    /// Forgets the ids of runs that were forgotten long ago.
    async fn forget_tombs(&self, now: Timestamp) -> Result<(), StorageError> {
        let retention = self.policy.retention;
        let tombs = self.tombs().await?;
        let mut excess = retention.tombstone_count.map_or(0, |count| tombs.saturating_sub(count));
        let page = self.again(|| self.store.scan(tables::TOMB_TIMES, KeyRange::all(), ROUND)).await?;
        let (mut batch, mut gone) = (Batch::default(), 0);
        for (key, _) in page {
            let at = tables::first_time(&key).unwrap_or(now);
            if excess == 0 && !is_old(at, retention.tombstone_age, now) {
                break;
            }
            excess = excess.saturating_sub(1);
            gone += 1;
            batch.remove(tables::TOMBS, key.get(8..).unwrap_or_default().to_vec());
            batch.remove(tables::TOMB_TIMES, key);
        }
        if gone > 0 {
            let _one = self.writing.lock().await;
            let applied: Lsn = self.applied();
            self.write(batch, applied).await?;
            self.forgetting.set(|counts| counts.tombs = Some(tombs - gone));
        }
        Ok(())
    }
}
