//! Runs leave memory, and come back for what they are owed.
//!
//! A run leaves only when everything that it recorded is applied, it does
//! nothing but wait (or has ended, or cannot go on), and nobody holds a handle
//! of it. It comes back for its timer, for a signal or a cancel, and for whoever
//! asks. What must always hold: a run is in memory once at most.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::row::{RunRow, SleepRow};
use super::tables;
use crate::engine::core::Core;
use crate::engine::live::{CAUTIOUS_ATTEMPTS, Held, Inner, LiveRun, problem};
use crate::engine::registry::Registry;
use crate::engine::status::{Status, Waiting};
use crate::engine::stop::Stage;
use crate::engine::{Error, driver};
use crate::id::{Lsn, RunNumber};
use crate::record::{Name, UndoKind};
use crate::run::Decision;
use crate::storage::checkpoint::Batch;
use crate::time::Timestamp;

/// How long a run that could not be read is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// So many sleeping runs are brought back at once, at most: whoever asks for another one waits meanwhile.
const AT_ONCE: usize = 128;
/// How long a start waits for room in memory, at most.
const WAIT_FOR_ROOM: Duration = Duration::from_secs(1);

/// What lets runs leave memory, and who waits for that.
#[derive(Debug)]
pub(crate) struct Parking {
    /// Whether the last round let go of what it looked at.
    worked: AtomicBool,
    round: Notify,
}

impl Default for Parking {
    fn default() -> Parking {
        Parking { worked: AtomicBool::new(true), round: Notify::new() }
    }
}

/// A run that may leave, as it was when that was decided.
struct Leaving {
    run: Arc<LiveRun>,
    last: Lsn,
    records: u64,
    what: What,
}

/// What a run does that may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Ended,
    /// It cannot go on by itself.
    Rests,
    /// It waits, since then.
    Waits(Timestamp),
}

/// A run that leaves, and how it sleeps; no row for one that has ended.
struct Leaves {
    run: Arc<LiveRun>,
    last: Lsn,
    row: Option<RunRow>,
}

impl Core {
    /// Lets the runs go that need not be in memory: those that have waited long, or under pressure any that wait.
    pub(super) async fn park(&self, pressed: bool) -> Result<(), Error> {
        // Nothing is applied between the look at a run and the row that says how it sleeps: later records outweigh the
        // row only if they are applied after it.
        let one = self.checkpoint.writing.lock().await;
        let leaves = self.choose(pressed);
        self.write_sleep(&leaves).await?;
        leaves.into_iter().for_each(|leaves| self.leave(leaves));
        drop(one);
        self.parking.round.notify_waiters();
        Ok(())
    }

    /// The runs that are to leave now, in the order of their starts.
    fn choose(&self, pressed: bool) -> Vec<Leaves> {
        let applied = self.checkpoint.applied();
        let policy = &self.checkpoint.policy;
        let resident: Vec<Arc<LiveRun>> = self.runs().by_id.values().cloned().collect();
        let now = self.now();
        let over = resident.len().saturating_sub(policy.resident);
        // What is not applied can leave in the next round.
        let could = resident.iter().filter(|run| run.lock().last <= applied).count();
        let (mut leaving, mut waiting) = (Vec::new(), Vec::new());
        // A run that has one of its workflow's places, or waits for one, stays until it has ended: who is next is known
        // in memory alone, and after a crash from the runs that were there.
        for leave in resident.iter().filter_map(|run| run.may_leave(applied)) {
            match leave.what {
                _ if self.flow.knows(leave.run.number) => {}
                What::Waits(since) if now.since(since) < policy.park_age => waiting.push(leave),
                _ => leaving.push(leave),
            }
        }
        drop(resident);
        let over = if pressed { waiting.len() } else { over.saturating_sub(leaving.len()) };
        if over < waiting.len() {
            // A long journal is dear to replay: it leaves last.
            waiting.sort_by_key(|leave| (leave.records, leave.run.number));
        }
        leaving.extend(waiting.into_iter().take(over));
        leaving.sort_by_key(|leave| leave.run.number);
        let leaves: Vec<Leaves> = leaving.into_iter().filter_map(|leaving| leaving.row(&self.registry)).collect();
        let worked = !leaves.is_empty() && 4 * leaves.len() >= could;
        self.parking.worked.store(worked, Ordering::Release);
        leaves
    }

    /// Waits, for a while, when more runs go on in memory than there should be, and letting them leave helps.
    pub(crate) async fn room_in_memory(&self) {
        let resident = self.checkpoint.resident();
        let most = resident.saturating_add((resident / 8).max(512));
        let crowded = || self.runs().tasks.len() > most && self.parking.worked.load(Ordering::Acquire);
        if !crowded() {
            return;
        }
        let room = async {
            loop {
                let round = self.parking.round.notified();
                if !crowded() {
                    return;
                }
                self.checkpoint.nudge();
                round.await;
            }
        };
        tokio::select! {
            biased;
            () = room => {}
            () = self.stop.reached(Stage::Parking) => {}
            // No round has helped in this time: nobody else waits before one does.
            () = self.platform.clock.sleep(WAIT_FOR_ROOM) => self.parking.worked.store(false, Ordering::Release),
        }
    }

    /// Writes how runs sleep; the caller is the one writer. Stale rows do no harm: what a run records later outweighs them.
    async fn write_sleep(&self, leaves: &[Leaves]) -> Result<(), Error> {
        let mut batch = Batch::default();
        for Leaves { run, row, .. } in leaves {
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
    fn leave(&self, leaves: Leaves) {
        let Leaves { run, last, row } = leaves;
        let mut runs = self.runs();
        if row.is_some() {
            let mut inner = run.lock();
            // A handle is made under the lock of the runs, and a signal is taken with a handle.
            // What it waits for may have become something else, without a record.
            let same = |row: &RunRow| row.sleep.as_ref().is_some_and(|sleep| same_waits(&sleep.waiting, &inner));
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
            let sooner = self.sleepers.sooner();
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
            loop {
                let due = match self.sleepers.due(self.now(), AT_ONCE, &*self.checkpoint.store).await {
                    Ok(due) if due.is_empty() => break,
                    Ok(due) => due,
                    Err(error) => {
                        tracing::error!(%error, "who is to wake could not be read; it is tried again");
                        self.platform.clock.sleep(TRY_AGAIN).await;
                        break;
                    }
                };
                if self.stop.stage() > Stage::Open {
                    return;
                }
                self.wake(due).await;
            }
        }
    }

    /// Brings back runs whose time has come.
    async fn wake(self: &Arc<Self>, due: Vec<RunNumber>) {
        let _one = self.loading.lock().await;
        for number in due {
            if self.stop.stage() > Stage::Open {
                return;
            }
            if let Err(error) = self.wake_one(number).await {
                tracing::error!(run = number.0, %error, "a sleeping run could not be woken; it is tried again");
                self.sleepers.again(self.now().after(TRY_AGAIN), number);
            }
        }
    }

    /// The caller is the one that loads.
    async fn wake_one(self: &Arc<Self>, number: RunNumber) -> Result<(), Error> {
        let Some(row) = self.checkpoint.row(number).await.map_err(crate::storage::StorageError::from)? else {
            return Ok(());
        };
        if self.resident(row.id.as_str()).is_none() {
            drop(self.bring(number).await?);
        }
        Ok(())
    }
}

/// Whether a run still waits for what its row says.
fn same_waits(row: &[Waiting], inner: &Inner) -> bool {
    let same = |(row, now): (&Waiting, &Waiting)| row.on == now.on && row.since == now.since && row.line == now.line;
    row.len() == inner.waits().count() && row.iter().zip(inner.waits()).all(same)
}

impl LiveRun {
    /// Whether it could leave memory now.
    fn may_leave(self: &Arc<Self>, applied: Lsn) -> Option<Leaving> {
        let inner = self.lock();
        if inner.last > applied || !inner.is_settled() {
            return None;
        }
        let state = &inner.state;
        let what = if state.phase.has_ended() {
            What::Ended
        } else if self.is_held() || (state.phase.is_active() && !inner.is_idle()) {
            return None;
        } else {
            let since = inner.waits().filter(|_| state.goes_on()).map(|waiting| Timestamp::from(waiting.since)).max();
            since.map_or(What::Rests, What::Waits)
        };
        let (last, records) = (inner.last, state.records());
        drop(inner);
        Some(Leaving { run: self.clone(), last, records, what })
    }
}

impl Leaving {
    /// What its row says, if nothing has happened to it meanwhile.
    fn row(self, registry: &Registry) -> Option<Leaves> {
        let Leaving { run, last, what, .. } = self;
        if what == What::Ended {
            return Some(Leaves { run, last, row: None });
        }
        let inner = run.lock();
        let state = &inner.state;
        if inner.last != last || (state.phase.is_active() && !inner.is_idle()) {
            return None;
        }
        let mut waiting = if state.goes_on() { inner.waiting() } else { Vec::new() };
        let status = Status::of(&state.phase, state.paused.is_some(), !waiting.is_empty());
        // Behind a pivot it means nothing any more.
        let may_fail = || state.goes_on() && state.decide(&state.root()) == Decision::RollBack;
        let deadline = state.options.deadline.filter(|_| may_fail());
        let wake_at = waiting.iter().filter_map(Waiting::until).chain(deadline).min();
        // Mostly where its workflow is: then that need not be said a million times.
        let start = &state.start;
        let file = registry.workflow(&start.workflow, start.version).map(|workflow| workflow.meta().site.file);
        for waiting in waiting.iter_mut().filter(|waiting| Some(&*waiting.file) == file) {
            waiting.file = Name::Borrowed("");
        }
        let needs: BTreeSet<(UndoKind, String)> =
            state.undos_needed().map(|(step, kind)| (kind, step.clone().into_owned())).collect();
        let needs = needs.into_iter().collect();
        let row = RunRow {
            id: run.id.clone(),
            workflow: state.start.workflow.clone(),
            version: state.start.version,
            started: run.started,
            started_at: state.start.at,
            updated_at: state.last,
            status,
            problem: problem(&state.phase, state),
            state: state.since.state.as_ref().map(|(name, _)| name.clone()),
            sleep: Some(SleepRow { wake_at, waiting, needs }),
        };
        drop(inner);
        Some(Leaves { run, last, row: Some(row) })
    }
}
