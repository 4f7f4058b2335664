//! From a data directory to a running engine.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::core::{Core, Limits, Runs};
use super::error::{MissingStep, MissingWorkflow};
use super::live::{CAUTIOUS_ATTEMPTS, LiveRun};
use super::registry::Registry;
use super::stop::Stop;
use super::timers::Timers;
use super::{Error, OpenReport, driver};
use crate::id::{Lsn, RunId, RunNumber};
use crate::journal::{Entry, Journal};
use crate::platform::Platform;
use crate::record::{Event, UndoKind};
use crate::run::RunState;
use crate::storage::WalConfig;

/// What an engine is opened with.
pub(crate) struct Config {
    pub(crate) dir: PathBuf,
    pub(crate) platform: Platform,
    pub(crate) wal: WalConfig,
    pub(crate) limits: Limits,
    pub(crate) registry: Registry,
    pub(crate) app: Arc<dyn Any + Send + Sync>,
    /// Runs in flight without a workflow are left alone.
    pub(crate) keep_unknown: bool,
}

/// Every run of a log, added up.
#[derive(Default)]
pub(crate) struct Recovered {
    runs: HashMap<RunNumber, (RunState, Lsn)>,
    last_number: u64,
}

impl Recovered {
    /// Adds the next record.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Result<(), String> {
        match self.runs.get_mut(&entry.run) {
            Some((state, _)) => {
                state.apply(entry.time, &entry.event).map_err(|illegal| illegal.to_string())?;
                if state.phase.has_ended() {
                    state.shrink();
                }
            }
            None => {
                let state = RunState::new(&entry.event, entry.time).map_err(|illegal| illegal.to_string())?;
                self.runs.insert(entry.run, (state, entry.lsn));
                self.last_number = self.last_number.max(entry.run.0);
            }
        }
        Ok(())
    }
}

/// Opens a data directory and sets the runs going that have something to do.
pub(crate) async fn open(config: Config) -> Result<(Arc<Core>, OpenReport), Error> {
    let Config { dir, platform, wal, limits, registry, app, keep_unknown } = config;
    let mut recovered = Recovered::default();
    let (journal, report) = Journal::open(&platform, &dir, wal, &mut |entry| recovered.apply(&entry))?;
    if let Some(cut) = &report.cut {
        tracing::warn!(
            ?cut,
            "the log's last frame was torn by a crash; it was cut off, nothing acknowledged was in it"
        );
    }
    let missing = missing_workflows(&recovered, &registry);
    let checked = match missing.is_empty() || keep_unknown {
        true => check_steps(&recovered, &registry),
        false => Err(Error::UnknownWorkflows { missing }),
    };
    if let Err(error) = checked {
        // Left as it was found: what a crash has left is for the next engine to see.
        match report.clean {
            true => journal.close().await?,
            false => journal.abandon().await,
        }
        return Err(error);
    }
    let timers = Timers::new(platform.clock.clone());
    let core = Arc::new(Core {
        dir,
        platform,
        journal,
        registry,
        app,
        origin: report.uuid.into_bytes(),
        timers,
        stop: Arc::new(Stop::default()),
        suspects: Semaphore::new(1),
        after_crash: !report.clean,
        limits,
        runs: Mutex::new(Runs::default()),
        timer_task: Mutex::new(None),
    });
    let known = recovered.runs.len();
    let (runs, counted) = resume(&core, recovered, report.clean)?;
    if let Some(counted) = counted {
        // A crash that is not counted on disk could repeat for ever.
        core.journal.durable(counted).await?;
    }
    let timer_task = core.platform.exec.spawn(Box::pin(core.timers.clone().run()));
    core.keep_timers(timer_task);
    let resumed = runs.len();
    for run in runs {
        driver::launch(&core, run);
    }
    tracing::debug!(resumed, known, "opened");
    let report = OpenReport {
        created: report.created,
        clean: report.clean,
        records: report.records,
        runs: known,
        resumed,
        cut: report.cut.map(Into::into),
    };
    Ok((core, report))
}

fn missing_workflows(recovered: &Recovered, registry: &Registry) -> Vec<MissingWorkflow> {
    let mut missing: BTreeMap<(String, u32), Vec<RunId>> = BTreeMap::new();
    for (state, _) in recovered.runs.values() {
        let start = &state.start;
        if state.phase.is_active() && registry.workflow(&start.workflow, start.version).is_none() {
            missing.entry((start.workflow.clone().into_owned(), start.version)).or_default().push(start.id.clone());
        }
    }
    missing
        .into_iter()
        .map(|((name, version), mut runs)| {
            runs.sort();
            MissingWorkflow { name, version, runs }
        })
        .collect()
}

/// A rollback finds its undos by the names of steps: they are all looked up now.
fn check_steps(recovered: &Recovered, registry: &Registry) -> Result<(), Error> {
    let mut missing = BTreeMap::new();
    for (state, _) in recovered.runs.values() {
        let start = &state.start;
        if !state.phase.is_active() || registry.workflow(&start.workflow, start.version).is_none() {
            continue;
        }
        for (step, kind) in state.undos_needed() {
            let known = registry.step(step).and_then(|meta| meta.undo).is_some_and(|undo| match kind {
                UndoKind::Compensate => undo.done,
                UndoKind::Unknown => undo.unknown,
            });
            if !known {
                missing.insert(step.clone(), start.id.clone());
            }
        }
    }
    let missing: Vec<MissingStep> =
        missing.into_iter().map(|(step, run)| MissingStep { step: step.into_owned(), run }).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::UnknownSteps { missing }) }
}

/// Notes crashes and poisons who crashed too often. The runs that go on, in
/// the order they were started, and the last record that counts a crash.
fn resume(core: &Core, recovered: Recovered, clean: bool) -> Result<(Vec<Arc<LiveRun>>, Option<Lsn>), Error> {
    let mut resumed = Vec::new();
    let mut counted = None;
    {
        let mut runs = core.runs();
        runs.last_number = recovered.last_number;
        for (number, (mut state, started)) in recovered.runs {
            let now = core.now();
            let mut events = Vec::new();
            if state.phase.is_active() && state.attempt_in_air() {
                events.push(Event::Recovered {});
                if state.crashes + 1 >= core.limits.poison {
                    events.push(Event::Poisoned { crashes: state.crashes + 1 });
                }
            }
            for event in &events {
                state.apply(now, event).map_err(|illegal| Error::Internal { reason: illegal.to_string() })?;
            }
            let registered = core.registry.workflow(&state.start.workflow, state.start.version).is_some();
            let active = state.phase.is_active() && registered;
            if !state.phase.is_active() {
                state.shrink();
            }
            let run = LiveRun::new(number, state, started);
            if !events.is_empty() {
                let last = core.journal.append(number, now, &events)?;
                run.lock().last = last;
                counted = Some(last);
            }
            if !clean {
                run.be_cautious(CAUTIOUS_ATTEMPTS);
            }
            runs.by_id.insert(run.id.clone(), run.clone());
            if active {
                resumed.push(run);
            }
        }
    }
    resumed.sort_by_key(|run| run.number);
    Ok((resumed, counted))
}
