//! From a data directory to a running engine.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::adding::{Adding, LANES, Recovering};
use super::checkpoint::{Checkpointer, KeyInUse, Parking, Policy, Sleepers};
use super::core::{Core, Limits, Outside, Runs};
use super::error::{MissingStep, MissingWorkflow};
use super::flow::Flow;
use super::live::{CAUTIOUS_ATTEMPTS, LiveRun};
use super::registry::Registry;
use super::stop::Stop;
use super::timers::Timers;
use super::watchdog::Watchdog;
use super::{Error, OpenReport, checkpoint, driver, schedule};
use crate::id::{Lsn, RunId, RunNumber};
use crate::io::Shelf;
use crate::journal::{Decoder, Entry, Journal, Take, blobs_of, lane_of};
use crate::platform::Platform;
use crate::record::{Event, Names};
use crate::run::RunState;
use crate::storage::arena::{Arena, ArenaConfig};
use crate::storage::checkpoint::{CheckpointStore, RedbCheckpoint};
use crate::storage::crypt::Provider;
use crate::storage::{self, CryptError, DataDir, StorageError, WalConfig};

/// What an engine is opened with, besides what it runs.
pub(crate) struct Options {
    pub(crate) dir: PathBuf,
    pub(crate) wal: WalConfig,
    pub(crate) arena: ArenaConfig,
    /// The checkpoint store; redb in the data directory if there is none.
    pub(crate) store: Option<Arc<dyn CheckpointStore>>,
    /// How many bytes of the default store are kept in memory.
    pub(crate) cache_bytes: usize,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    /// Runs in flight without a workflow are left alone.
    pub(crate) keep_unknown: bool,
    /// A backup may be opened: the original will not run on.
    pub(crate) restore: bool,
    pub(crate) outside: Outside,
    /// Who gives the keys with which the directory is encrypted, or is to be.
    pub(crate) keys: Option<Provider>,
}

impl Options {
    pub(crate) fn new(dir: &Path) -> Options {
        Options {
            dir: dir.to_owned(),
            wal: WalConfig::default(),
            arena: ArenaConfig::default(),
            store: None,
            cache_bytes: 64 << 20,
            policy: Policy::default(),
            limits: Limits { poison: 10, suspect: 3, shutdown: Duration::from_secs(10) },
            keep_unknown: false,
            restore: false,
            outside: Outside::default(),
            keys: None,
        }
    }
}

/// The runs that are to be in memory, added up.
#[derive(Default)]
struct Recovered {
    /// In the order of their numbers, so that what recovery records is in an order too.
    runs: BTreeMap<RunNumber, Box<Recovering>>,
    last_number: u64,
    /// Records of runs that were not in memory: they are added up when those are loaded.
    strays: BTreeMap<RunNumber, Vec<Entry>>,
}

impl Recovered {
    /// What the lanes have added up.
    fn of(lanes: Vec<Adding>, last_number: u64) -> Recovered {
        let last_number = lanes.iter().map(|lane| lane.last_number).fold(last_number, u64::max);
        let mut recovered = Recovered { last_number, ..Recovered::default() };
        for lane in lanes {
            let (mut runs, mut strays) = lane.end();
            recovered.runs.append(&mut runs);
            recovered.strays.append(&mut strays);
        }
        recovered
    }

    /// Loads the runs that were not in memory and about which the log's tail says something.
    async fn load_strays(&mut self, checkpoint: &Checkpointer) -> Result<(), Error> {
        for (number, entries) in std::mem::take(&mut self.strays) {
            if entries.iter().all(|entry| matches!(entry.event, Event::RunDeleted {})) {
                checkpoint.deleting([number]);
                continue;
            }
            let unknown = || Error::Internal {
                reason: format!("the log has records of run {}, which was never started", number.0),
            };
            let loaded = checkpoint.load(number).await?.ok_or_else(unknown)?;
            let mut run = Recovering::of(loaded);
            for entry in &entries {
                run.apply(entry).map_err(|reason| Error::Internal { reason })?;
            }
            self.runs.insert(number, run);
        }
        Ok(())
    }

    /// Loads the runs that are under way in a workflow with a `concurrency`: they have places. Such runs do not sleep,
    /// but they may have when the workflow had none.
    async fn load_limited(&mut self, registry: &Registry, checkpoint: &Checkpointer) -> Result<(), Error> {
        let limit = |name: &str, version| registry.workflow(name, version)?.meta().concurrency;
        for (_, runs) in checkpoint.in_flight(|name, version| limit(name, version).is_some()).await? {
            for (number, row) in runs {
                if self.runs.contains_key(&number) || row.sleep.is_some_and(|sleep| sleep.is_before_start()) {
                    continue;
                }
                if let Some(loaded) = checkpoint.load(number).await?
                    && loaded.state.begun
                {
                    let run = Recovering::of(loaded);
                    self.runs.insert(number, run);
                }
            }
        }
        Ok(())
    }
}

/// A data directory with everything in it open, and the runs that are to be in memory.
struct Opened {
    journal: Journal,
    checkpoint: Arc<Checkpointer>,
    report: storage::OpenReport,
    recovered: Recovered,
}

/// Opens the files: the checkpoint, the arena by its rows, then the log behind it.
async fn open_files(options: Options, platform: &Platform, names: Arc<Names>) -> Result<Opened, Error> {
    let Options { dir, wal, arena, store, cache_bytes, policy, restore, keys, .. } = options;
    let mut data = DataDir::open(platform, &dir)?;
    if data.is_backup() && !restore {
        return Err(Error::IsBackup { dir });
    }
    let uuid = data.uuid();
    let unlocked = data.unlock(&platform.entropy, keys.as_ref())?;
    // Whatever fails: the store is closed before the directory is let go.
    let _held = data.lock();
    let mut own = None;
    let stored: Arc<dyn CheckpointStore> = match store {
        Some(store) => store,
        None => {
            let file = dir.join(storage::CHECKPOINT);
            let opened = RedbCheckpoint::open(platform.fs.clone(), &file, uuid, cache_bytes);
            Arc::new(own.insert(opened.map_err(StorageError::from)?).clone())
        }
    };
    let applied = stored.applied_lsn().await.map_err(StorageError::from)?;
    data.fits(applied)?;
    if !unlocked.absent.is_empty() {
        let used = checkpoint::used(&platform.fs, &dir, &*stored, applied).await?;
        let needed = unlocked.absent.iter().find_map(|key| used.with(key));
        if let Some(KeyInUse { key, example, .. }) = needed {
            let source = CryptError::MissingKey { key: key.clone() };
            return Err(StorageError::Encrypted { place: example.clone(), source }.into());
        }
    }
    let cipher = unlocked.into_cipher();
    data.encrypt(cipher.clone());
    let store = checkpoint::plain(&stored, &cipher);
    if data.is_backup() {
        data.restore()?;
    }
    let known = checkpoint::blobs(&*store).await?;
    let arena = Arena::open(platform, &dir, uuid, arena, known)?;
    arena.under(&data.lock());
    arena.encrypt(&cipher);
    arena.applied(applied);
    for (artifact, blob) in checkpoint::artifacts(&*store).await? {
        arena.known_content(artifact.0, blob)?;
    }
    let decoder = Decoder { cipher, source: Some(blobs_of(&arena)), names: Some(names) };
    let (awake, last_number) = checkpoint::awake(&*store).await?;
    let mut lanes: Vec<Adding> = std::iter::repeat_with(Adding::default).take(LANES).collect();
    for number in awake {
        // One that ended in this moment is not awake any more: both are one row's business.
        if let Some(loaded) = checkpoint::load(&*store, &decoder, number).await? {
            lanes[lane_of(number.0, LANES)].runs.insert(number, Recovering::of(loaded));
        }
    }
    let mut takes: Vec<_> = lanes.iter_mut().map(|lane| |entry| lane.add(entry)).collect();
    let takes = takes.iter_mut().map(|take| take as &mut Take<'_>).collect();
    let (journal, report) = Journal::open(platform, data, wal, applied, arena.clone(), decoder, takes)?;
    let mut recovered = Recovered::of(lanes, last_number);
    let clock = platform.clock.clone();
    let checkpoint = Checkpointer::new(stored, arena, journal.clone(), policy, clock, applied);
    own.into_iter().for_each(|store| checkpoint.owns(store));
    recovered.load_strays(&checkpoint).await?;
    Ok(Opened { journal, checkpoint, report, recovered })
}

/// Opens a data directory and sets the runs going that have something to do.
pub(crate) async fn open(
    options: Options,
    platform: Platform,
    registry: Registry,
    app: Arc<dyn Any + Send + Sync>,
) -> Result<(Arc<Core>, OpenReport), Error> {
    let (dir, limits, keep_unknown) = (options.dir.clone(), options.limits.clone(), options.keep_unknown);
    let outside = options.outside.clone();
    let Opened { journal, checkpoint, report, mut recovered } =
        open_files(options, &platform, Arc::new(registry.names())).await?;
    if let Some(cut) = &report.cut {
        tracing::warn!(
            ?cut,
            "the log's last frame was torn by a crash; it was cut off, nothing acknowledged was in it"
        );
    }
    if let Err(error) = check(&recovered, &registry, &checkpoint, keep_unknown).await {
        // Left as it was found: what a crash has left is for the next engine to see.
        drop(checkpoint);
        match report.clean {
            true => journal.close().await?,
            false => journal.abandon().await,
        }
        return Err(error);
    }
    recovered.load_limited(&registry, &checkpoint).await?;
    let (sleepers, sleeping) = Sleepers::open(&*checkpoint.store).await?;
    let watchdog = Watchdog::new(platform.clock.clone());
    let shelf = Shelf::Arena(checkpoint.arena.clone());
    let core = Arc::new(Core {
        dir,
        timers: Timers::new(platform.clock.clone()),
        platform,
        journal,
        checkpoint,
        sleepers,
        parking: Parking::default(),
        loading: AsyncMutex::new(()),
        registry: Arc::new(registry),
        app,
        outside,
        shelf,
        origin: report.uuid.into_bytes(),
        stop: Arc::new(Stop::default()),
        flow: Flow::default(),
        watchdog,
        suspects: Semaphore::new(1),
        after_crash: !report.clean,
        limits,
        runs: Mutex::new(Runs::default()),
        keepers: Mutex::new(Vec::new()),
        checkpointing: Mutex::new(None),
    });
    let (runs, counted) = resume(&core, recovered, report.clean)?;
    if let Some(counted) = counted {
        // A crash that is not counted on disk could repeat for ever.
        core.journal.durable(counted).await?;
    }
    set_going(&core)?;
    let resumed = runs.len();
    for run in runs {
        driver::launch(&core, run);
    }
    tracing::debug!(resumed, sleeping, "opened");
    let report = OpenReport {
        created: report.created,
        clean: report.clean,
        records: report.records,
        resumed,
        sleeping,
        cut: report.cut.map(Into::into),
    };
    Ok((core, report))
}

/// Starts what is no run's: timers, the alarm of the sleepers, the checkpointer.
fn set_going(core: &Arc<Core>) -> Result<(), Error> {
    let exec = &core.platform.exec;
    let work = core.checkpoint.clone().run(core.clone());
    let thread = exec.spawn_thread("factum-checkpoint", Box::pin(work));
    let thread =
        thread.map_err(|error| Error::Internal { reason: format!("no thread for the checkpoint: {error}") })?;
    *core.checkpointing.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(thread);
    let thread = exec.spawn_thread("factum-watchdog", Box::pin(core.watchdog.clone().run()));
    // It ends by itself with the engine: nobody waits for it.
    drop(thread.map_err(|error| Error::Internal { reason: format!("no thread for the watchdog: {error}") })?);
    core.keep(exec.spawn(Box::pin(core.timers.clone().run())));
    core.keep(exec.spawn(Box::pin(core.clone().wake_sleepers())));
    Ok(())
}

/// Whether everything that runs in flight need is registered.
async fn check(
    recovered: &Recovered,
    registry: &Registry,
    checkpoint: &Checkpointer,
    keep_unknown: bool,
) -> Result<(), Error> {
    let missing = missing_workflows(recovered, registry, checkpoint).await?;
    if !missing.is_empty() && !keep_unknown {
        return Err(Error::UnknownWorkflows { missing });
    }
    check_steps(recovered, registry, checkpoint).await
}

async fn missing_workflows(
    recovered: &Recovered,
    registry: &Registry,
    checkpoint: &Checkpointer,
) -> Result<Vec<MissingWorkflow>, Error> {
    let mut missing: BTreeMap<(String, u32), Vec<RunId>> = BTreeMap::new();
    let is_missing = |name: &str, version| registry.workflow(name, version).is_none();
    for ((name, version), runs) in checkpoint.in_flight(is_missing).await? {
        for (number, row) in runs {
            // What the log's tail says of a run is newer.
            if !recovered.runs.contains_key(&number) && row.status.is_active() {
                missing.entry((name.clone(), version)).or_default().push(row.id);
            }
        }
    }
    for (_, runs) in checkpoint.in_flight(|name, _| name == schedule::NAME).await? {
        for (number, row) in runs {
            if recovered.runs.contains_key(&number) || !row.status.is_active() {
                continue;
            }
            // There are few of them: what each of them starts stands in its input.
            let state = checkpoint.load(number).await?.map(|loaded| loaded.state);
            let needs = state.and_then(|state| registry.missing(&row.workflow, row.version, &state.input));
            if let Some(needs) = needs {
                missing.entry(needs).or_default().push(row.id);
            }
        }
    }
    for run in recovered.runs.values().filter(|run| run.state.phase.is_active()) {
        let state = &run.state;
        let start = &state.start;
        if let Some(needs) = registry.missing(&start.workflow, start.version, &state.input) {
            missing.entry(needs).or_default().push(start.id.clone());
        }
    }
    let missing = missing.into_iter().map(|((name, version), mut runs)| {
        runs.sort();
        MissingWorkflow { name, version, runs }
    });
    Ok(missing.collect())
}

/// A rollback finds its undos by the names of steps: they are all looked up now.
async fn check_steps(recovered: &Recovered, registry: &Registry, checkpoint: &Checkpointer) -> Result<(), Error> {
    let mut missing = BTreeMap::new();
    for (step, runs) in checkpoint.needed(|step, kind| !registry.undoes(step, kind)).await? {
        let unseen = runs.into_iter().find(|(number, row)| {
            !recovered.runs.contains_key(number)
                && row.status.is_active()
                && registry.workflow(&row.workflow, row.version).is_some()
        });
        if let Some((_, row)) = unseen {
            missing.insert(step.into(), row.id);
        }
    }
    for run in recovered.runs.values() {
        let state = &run.state;
        let start = &state.start;
        if !state.phase.is_active() || registry.workflow(&start.workflow, start.version).is_none() {
            continue;
        }
        for (step, kind) in state.undos_needed() {
            if !registry.undoes(step, kind) {
                missing.insert(step.clone(), start.id.clone());
            }
        }
    }
    let missing: Vec<MissingStep> =
        missing.into_iter().map(|(step, run)| MissingStep { step: step.into_owned(), run }).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::UnknownSteps { missing }) }
}

/// What a crash is to a run, if it is anything: an attempt in the air counts, and too many are poison.
pub(super) fn crashed(state: &RunState, limits: &Limits) -> Vec<Event> {
    let mut events = Vec::new();
    if state.phase.is_active() && state.attempt_in_air() {
        events.push(Event::Recovered {});
        if state.crashes + 1 >= limits.poison {
            events.push(Event::Poisoned { crashes: state.crashes + 1 });
        }
    }
    events
}

/// Notes crashes and poisons who crashed too often. The runs that go on, in
/// the order they were started, and the last record that counts a crash.
fn resume(core: &Core, recovered: Recovered, clean: bool) -> Result<(Vec<Arc<LiveRun>>, Option<Lsn>), Error> {
    let mut resumed = Vec::new();
    let mut counted = None;
    // First those that are under way, then those that wait, in the order of their starts.
    let (under_way, new): (Vec<_>, Vec<_>) = recovered.runs.iter().partition(|(_, run)| run.state.begun);
    for (number, run) in under_way.into_iter().chain(new) {
        core.flow.enter(&core.registry, *number, &run.state, core.now());
    }
    {
        let mut runs = core.runs();
        runs.last_number = recovered.last_number;
        for (number, run) in recovered.runs {
            let Recovering { mut state, started, mut last } = *run;
            let now = core.now();
            let events = crashed(&state, &core.limits);
            for event in &events {
                state.apply(now, event).map_err(|illegal| Error::Internal { reason: illegal.to_string() })?;
            }
            let missing = core.registry.missing(&state.start.workflow, state.start.version, &state.input);
            let registered = missing.is_none();
            let active = state.phase.is_active() && registered;
            if !state.phase.is_active() {
                state.shrink();
            }
            if !events.is_empty() {
                last = core.journal.append_events(number, now, &events)?;
                counted = Some(last);
            }
            let run = LiveRun::new(number, state, started, last, &core.outside.redaction);
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
