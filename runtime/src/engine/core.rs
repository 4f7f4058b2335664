//! What all runs of an engine share.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::Error;
use super::checkpoint::{Checkpointer, Parking, Sleepers};
use super::flow::Flow;
use super::live::{Held, LiveRun};
use super::registry::Registry;
use super::stop::{Stage, Stop};
use super::timers::Timers;
use super::watchdog::Watchdog;
use crate::id::{Lsn, RunId, RunNumber};
use crate::io::{Redaction, Shelf, Transports};
use crate::journal::Journal;
use crate::platform::{Platform, TaskHandle, ThreadHandle};
use crate::record::Event;
use crate::run::{Illegal, RunState};
use crate::time::Timestamp;

/// The numbers that an engine is opened with.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Crashes in a row, with an attempt of the run in the air, after which it is poisoned.
    pub(crate) poison: u32,
    /// Crashes in a row after which a run is a suspect: suspects attempt one at a time.
    pub(crate) suspect: u32,
    /// How long a shutdown waits for attempts in the air.
    pub(crate) shutdown: Duration,
}

/// What steps are given of the world, and what is recorded of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outside {
    pub(crate) transports: Arc<Transports>,
    pub(crate) redaction: Arc<Redaction>,
}

/// The runs of an engine, by id.
#[derive(Default)]
pub(crate) struct Runs {
    pub(crate) by_id: HashMap<RunId, Arc<LiveRun>>,
    pub(crate) last_number: u64,
    /// How often a run has left memory.
    pub(super) left: u64,
    /// The task of each run that goes on, in an order, so that they end in one.
    pub(super) tasks: BTreeMap<RunNumber, RunTask>,
}

/// The task of a run that goes on.
pub(super) struct RunTask {
    /// The run as it is in memory: it may have left and come back, with another task.
    pub(super) run: Arc<LiveRun>,
    pub(super) handle: TaskHandle,
}

/// What all runs of an engine share.
pub(crate) struct Core {
    pub(crate) dir: PathBuf,
    pub(crate) platform: Platform,
    pub(crate) journal: Journal,
    pub(crate) checkpoint: Arc<Checkpointer>,
    pub(crate) sleepers: Sleepers,
    pub(crate) parking: Parking,
    /// One run is brought back at a time.
    pub(super) loading: AsyncMutex<()>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) app: Arc<dyn Any + Send + Sync>,
    pub(crate) outside: Outside,
    /// Where steps put bytes.
    pub(crate) shelf: Shelf,
    /// The UUID of the data directory.
    pub(crate) origin: [u8; 16],
    pub(crate) timers: Timers,
    pub(crate) stop: Arc<Stop>,
    pub(crate) flow: Flow,
    pub(crate) watchdog: Arc<Watchdog>,
    /// One suspect attempts at a time.
    pub(crate) suspects: Semaphore,
    /// The process before this one ended without a shutdown.
    pub(crate) after_crash: bool,
    pub(crate) limits: Limits,
    pub(crate) runs: Mutex<Runs>,
    /// The tasks that are no run's.
    pub(crate) keepers: Mutex<Vec<TaskHandle>>,
    /// Completes when the checkpointer has ended.
    pub(crate) checkpointing: Mutex<Option<ThreadHandle>>,
}

impl Core {
    pub(crate) fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a task, to end it with the engine.
    pub(crate) fn keep(&self, task: TaskHandle) {
        self.keepers.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.platform.clock.wall()
    }

    pub(crate) fn stopped(&self) -> Error {
        Error::Stopped { dir: self.dir.clone() }
    }

    /// An engine that has been shut down knows nothing any more.
    pub(crate) fn is_there(&self) -> Result<(), Error> {
        if self.stop.stage() < Stage::Stopped { Ok(()) } else { Err(self.stopped()) }
    }

    /// An engine that is shutting down takes nothing new.
    pub(crate) fn is_open(&self) -> Result<(), Error> {
        if self.stop.stage() == Stage::Open { Ok(()) } else { Err(self.stopped()) }
    }

    /// Makes a run's events durable, then tells others.
    pub(crate) async fn commit(&self, run: &LiveRun, events: impl IntoIterator<Item = Event>) -> Result<(), Error> {
        let (last, shown) = {
            let mut inner = run.lock();
            let last = inner.record(&self.journal, self.now(), events)?;
            if run.has_shown(last) {
                return Ok(());
            }
            (last, inner.to_show())
        };
        self.journal.durable(last).await?;
        run.publish(shown);
        Ok(())
    }

    /// A run that is not known yet: its first events are queued. `queue` does it, and gives the last one's LSN.
    pub(crate) fn admit(
        &self,
        runs: &mut Runs,
        events: &[Event],
        queue: impl FnOnce(RunNumber, Timestamp) -> Result<Lsn, Error>,
    ) -> Result<Held, Error> {
        let number = RunNumber(runs.last_number + 1);
        let now = self.now();
        let illegal = |illegal: Illegal| Error::Internal { reason: illegal.to_string() };
        let (first, rest) = events.split_first().ok_or_else(|| Error::Internal { reason: "no start".to_owned() })?;
        let mut state = RunState::new(first, now).map_err(illegal)?;
        for event in rest {
            state.apply(now, event).map_err(illegal)?;
        }
        let last = queue(number, now)?;
        runs.last_number = number.0;
        self.flow.enter(&self.registry, number, &state, now);
        let run = LiveRun::new(number, state, Lsn(last.0 - rest.len() as u64), last, &self.outside.redaction);
        if self.after_crash {
            // It may have been started before, and have taken the process down
            // before anything of it was on disk: this time it is.
            run.be_cautious(1);
        }
        run.be_fresh();
        runs.by_id.insert(run.id.clone(), run.clone());
        if runs.tasks.len() > self.checkpoint.resident() {
            self.checkpoint.nudge();
        }
        Ok(Held::new(&run))
    }

    /// A task has left its run. One that has ended gives its place to another; one that stopped before it did anything
    /// comes for it again when it goes on. A run that is paused or held up half way keeps it.
    pub(super) fn makes_room(&self, run: &LiveRun) {
        let keeps = {
            let state = &run.lock().state;
            state.begun && !state.phase.has_ended()
        };
        match keeps {
            true => self.flow.step_back(run.number),
            false => self.flow.leave(run.number),
        }
    }

    /// Ends everything at once, as a crash would: nothing more is recorded but
    /// what a task is about to record at this moment.
    pub(crate) fn kill(&self) {
        let mut runs = self.runs();
        runs.tasks.values().for_each(|task| task.handle.abort());
        runs.tasks.clear();
        self.stop.advance(Stage::Stopped);
        self.watchdog.end();
        let mut known: Vec<&Arc<LiveRun>> = runs.by_id.values().collect();
        known.sort_by_key(|run| run.number);
        for run in known {
            run.abandon(self.stopped());
        }
        drop(runs);
        for keeper in self.keepers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            keeper.abort();
        }
    }

    /// Parks every run at its next await, makes everything durable and gives the directory up.
    pub(crate) async fn shutdown(&self) -> Result<(), Error> {
        self.stop.advance(Stage::Parking);
        if !self.idle_within(self.limits.shutdown).await {
            tracing::warn!(limit = ?self.limits.shutdown, "attempts in the air outlast the shutdown's limit: they are dropped");
            self.stop.advance(Stage::Aborting);
            if !self.idle_within(self.limits.shutdown).await {
                self.kill();
                return Err(Error::StillRunning { dir: self.dir.clone() });
            }
        }
        let checkpointing = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = checkpointing {
            ended.await;
        }
        self.checkpoint.arena.close().await;
        let well = self.journal.room().await.is_ok();
        if let Err(error) = self.checkpoint.close(well).await {
            self.journal.poison(error);
        }
        let closed = self.journal.close().await;
        self.kill();
        Ok(closed?)
    }

    async fn idle_within(&self, limit: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.stop.idle() => true,
            () = self.platform.clock.sleep(limit) => false,
        }
    }
}
