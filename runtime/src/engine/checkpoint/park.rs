//! Runs leave memory, and come back for what they are owed.
//!
//! A run leaves only when everything that it recorded is applied, it does
//! nothing but wait (or has ended, or cannot go on), and nobody holds a handle
//! of it. It comes back for its timer, for a signal or a cancel, and for whoever
//! asks. What must always hold: a run is in memory once at most.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::row::{RunRow, SleepRow};
use super::tables;
use crate::engine::core::Core;
use crate::engine::live::{CAUTIOUS_ATTEMPTS, Held, LiveRun, problem};
use crate::engine::status::Status;
use crate::engine::stop::Stage;
use crate::engine::{Error, driver};
use crate::id::{Lsn, RunNumber};
use crate::record::UndoKind;
use crate::run::Decision;
use crate::storage::checkpoint::Batch;
use crate::time::Timestamp;

/// How long a run that could not be read is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// When sleeping runs wake by themselves.
#[derive(Debug, Default)]
pub(crate) struct Sleepers {
    wakes: Mutex<BTreeSet<(Timestamp, RunNumber)>>,
    sooner: Notify,
}

impl Sleepers {
    pub(crate) fn add(&self, wakes: impl IntoIterator<Item = (Timestamp, RunNumber)>) {
        self.lock().extend(wakes);
        self.sooner.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(Timestamp, RunNumber)>> {
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Timestamp> {
        self.lock().first().map(|(at, _)| *at)
    }

    fn due(&self, now: Timestamp) -> Option<RunNumber> {
        let mut wakes = self.lock();
        let first = wakes.first().copied().filter(|(at, _)| *at <= now)?;
        wakes.remove(&first);
        Some(first.1)
    }
}

/// A run that may leave, as it was when that was decided.
struct Leaving {
    run: Arc<LiveRun>,
    last: Lsn,
    records: u64,
    /// None for a run that has ended.
    row: Option<RunRow>,
}

impl Core {
    /// Lets the runs go that need not be in memory: those that have waited long, or under pressure any that wait.
    pub(super) async fn park(&self, pressed: bool) -> Result<(), Error> {
        // Nothing is applied between the look at a run and the row that says how it sleeps: later records outweigh the
        // row only if they are applied after it.
        let _one = self.checkpoint.writing.lock().await;
        let applied = self.checkpoint.applied();
        let policy = &self.checkpoint.policy;
        let mut resident: Vec<Arc<LiveRun>> = self.runs().by_id.values().cloned().collect();
        resident.sort_by_key(|run| run.number);
        let now = self.now();
        let over = resident.len().saturating_sub(policy.resident);
        let mut leaving = Vec::new();
        let mut waiting = Vec::new();
        // A run that has one of its workflow's places, or waits for one, stays until it has ended: who is next is known
        // in memory alone, and after a crash from the runs that were there.
        for run in resident.into_iter().filter(|run| !self.flow.knows(run.number)) {
            match run.may_leave(applied) {
                None => {}
                Some(leave) if leave.row.as_ref().is_none_or(|row| row.status != Status::Waiting) => {
                    leaving.push(leave)
                }
                Some(leave) if now.since(leave.since()) >= policy.park_age => leaving.push(leave),
                Some(leave) => waiting.push(leave),
            }
        }
        let over = if pressed { waiting.len() } else { over.saturating_sub(leaving.len()) };
        // A long journal is dear to replay: it leaves last.
        waiting.sort_by_key(|leave| leave.records);
        leaving.extend(waiting.into_iter().take(over));
        self.write_sleep(&leaving).await?;
        leaving.into_iter().for_each(|leave| self.leave(leave));
        Ok(())
    }

    /// Writes how runs sleep; the caller is the one writer. Stale rows do no harm: what a run records later outweighs them.
    async fn write_sleep(&self, leaving: &[Leaving]) -> Result<(), Error> {
        let mut batch = Batch::default();
        for Leaving { run, row, .. } in leaving {
            let Some(row) = row else { continue };
            let Some(sleep) = &row.sleep else { continue };
            if let Some(wake_at) = sleep.wake_at {
                batch.put(tables::TIMERS, tables::at(wake_at, run.number), Vec::new());
            }
            for (kind, step) in &sleep.needs {
                batch.put(tables::NEEDS, tables::need(*kind, step, run.number), Vec::new());
            }
            batch.remove(tables::AWAKE, tables::run(run.number));
            batch.put(tables::RUNS, tables::run(run.number), row.encode());
        }
        if !batch.is_empty() {
            self.checkpoint.write(batch, self.checkpoint.applied()).await?;
        }
        Ok(())
    }

    /// Takes a run out of memory, if nothing has happened to it meanwhile.
    fn leave(&self, leave: Leaving) {
        let Leaving { run, last, row, .. } = leave;
        let mut runs = self.runs();
        if row.is_some() {
            let mut inner = run.lock();
            // A handle is made under the lock of the runs, and a signal is taken with a handle.
            // What it waits for may have become something else, without a record.
            let same = |row: &RunRow| row.sleep.as_ref().is_some_and(|sleep| sleep.waiting == inner.waiting());
            let waits = !inner.state.goes_on() || row.as_ref().is_some_and(same);
            if run.is_held() || inner.last != last || !inner.is_idle() || !waits {
                return;
            }
            inner.fall_asleep();
        }
        runs.by_id.remove(&run.id);
        // Its task is about to end. The run may be back before that, and is to have one of its own then.
        runs.tasks.remove(&run.number);
        runs.left += 1;
        drop(runs);
        run.changed.notify_waiters();
        if let Some(wake_at) = row.and_then(|row| row.sleep?.wake_at) {
            self.sleepers.add([(wake_at, run.number)]);
        }
    }

    /// A run by its id, from memory or from the checkpoint. It stays in memory while it is held.
    pub(crate) async fn obtain(self: &Arc<Self>, id: &str) -> Result<Held, Error> {
        if let Some(run) = self.resident(id) {
            return Ok(run);
        }
        self.is_there()?;
        let _one = self.loading.lock().await;
        if let Some(run) = self.resident(id) {
            return Ok(run);
        }
        match self.checkpoint.find(id).await? {
            super::Found::Run(number) => {
                self.bring(number).await?.ok_or_else(|| Error::UnknownRun { id: crate::id::RunId::from(id) })
            }
            super::Found::Tomb(_) => Err(Error::Forgotten { id: crate::id::RunId::from(id) }),
            super::Found::Nothing => Err(Error::UnknownRun { id: crate::id::RunId::from(id) }),
        }
    }

    fn resident(&self, id: &str) -> Option<Held> {
        self.runs().by_id.get(id).map(Held::new)
    }

    /// Loads a run that is not in memory, and sets it going if it goes on. The caller is the one that loads.
    async fn bring(self: &Arc<Self>, number: RunNumber) -> Result<Option<Held>, Error> {
        let Some(loaded) = self.checkpoint.load(number).await? else { return Ok(None) };
        let goes_on = loaded.state.goes_on()
            && self.registry.workflow(&loaded.state.start.workflow, loaded.state.start.version).is_some();
        let ended = loaded.state.phase.has_ended();
        let run = LiveRun::new(number, loaded.state, loaded.started, loaded.last, &self.outside.redaction);
        if self.after_crash {
            run.be_cautious(CAUTIOUS_ATTEMPTS);
        }
        let held = Held::new(&run);
        if ended {
            // It never changes again: whoever wants it has it.
            run.lock().state.shrink();
            return Ok(Some(held));
        }
        let resident = {
            let mut runs = self.runs();
            runs.by_id.insert(run.id.clone(), run.clone());
            runs.by_id.len()
        };
        if resident > self.checkpoint.resident() {
            self.checkpoint.nudge();
        }
        if goes_on {
            driver::launch(self, run);
        }
        Ok(Some(held))
    }

    /// Wakes sleeping runs when their time has come, for ever.
    pub(crate) async fn wake_sleepers(self: Arc<Self>) {
        loop {
            let sooner = self.sleepers.sooner.notified();
            match self.sleepers.next() {
                None => sooner.await,
                Some(at) => {
                    tokio::select! {
                        biased;
                        () = self.timers.until(at) => {}
                        () = sooner => {}
                    }
                }
            }
            while let Some(number) = self.sleepers.due(self.now()) {
                if self.stop.stage() > Stage::Open {
                    return;
                }
                if let Err(error) = self.wake(number).await {
                    tracing::error!(run = number.0, %error, "a sleeping run could not be woken; it is tried again");
                    self.sleepers.add([(self.now().after(TRY_AGAIN), number)]);
                }
            }
        }
    }

    async fn wake(self: &Arc<Self>, number: RunNumber) -> Result<(), Error> {
        let _one = self.loading.lock().await;
        let Some(row) = self.checkpoint.row(number).await.map_err(crate::storage::StorageError::from)? else {
            return Ok(());
        };
        if self.resident(row.id.as_str()).is_none() {
            drop(self.bring(number).await?);
        }
        Ok(())
    }
}

impl LiveRun {
    /// Whether it could leave memory now, and what its row would say.
    fn may_leave(self: &Arc<Self>, applied: Lsn) -> Option<Leaving> {
        let inner = self.lock();
        if inner.last > applied || !inner.is_settled() {
            return None;
        }
        let (last, records) = (inner.last, inner.state.records());
        if inner.state.phase.has_ended() {
            drop(inner);
            return Some(Leaving { run: self.clone(), last, records, row: None });
        }
        if self.is_held() || (inner.state.phase.is_active() && !inner.is_idle()) {
            return None;
        }
        let state = &inner.state;
        let waiting = if state.goes_on() { inner.waiting() } else { Vec::new() };
        let status = Status::of(&state.phase, state.paused.is_some(), !waiting.is_empty());
        // Behind a pivot it means nothing any more.
        let may_fail = || state.goes_on() && state.decide(&state.root()) == Decision::RollBack;
        let deadline = state.options.deadline.filter(|_| may_fail());
        let wake_at = waiting.iter().filter_map(crate::engine::Waiting::until).chain(deadline).min();
        let needs: BTreeSet<(UndoKind, String)> =
            state.undos_needed().map(|(step, kind)| (kind, step.clone().into_owned())).collect();
        let needs = needs.into_iter().collect();
        let row = RunRow {
            id: self.id.clone(),
            workflow: state.start.workflow.clone(),
            version: state.start.version,
            started: self.started,
            started_at: state.start.at,
            updated_at: state.last,
            status,
            problem: problem(&state.phase, state),
            state: state.since.state.as_ref().map(|(name, _)| name.clone()),
            sleep: Some(SleepRow { wake_at, waiting, needs }),
        };
        drop(inner);
        Some(Leaving { run: self.clone(), last, records, row: Some(row) })
    }
}

impl Leaving {
    /// Since when the run waits.
    fn since(&self) -> Timestamp {
        let waits = self.row.iter().filter_map(|row| row.sleep.as_ref()).flat_map(|sleep| &sleep.waiting);
        waits.map(|waiting| Timestamp::from(waiting.since)).max().unwrap_or(Timestamp(i64::MIN))
    }
}
