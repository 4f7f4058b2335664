//! How an engine is put together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use crate::engine::{self, Code, Error, History, Hook, HooksOf, Options, Registry, Result, Workflow};
use crate::fsm::{Fsm, FsmOn, FsmWorkflow};
use crate::id::RunId;
use crate::io::{NoApp, Redaction, Transport};
use crate::platform::{Platform, real};
use crate::saga::{Saga, SagaFn, SagaWorkflow};
use crate::step::{Step, StepFn, StepMeta, StepSig};
use crate::storage::Durability;
use crate::storage::checkpoint::CheckpointStore;

/// Puts an [`Engine`] together: [`Engine::builder`].
#[must_use = "an engine runs only when it is opened: `.open().await`"]
pub struct Builder<App = NoApp> {
    app: Arc<App>,
    workflows: Vec<Arc<dyn Workflow>>,
    steps: Vec<&'static StepMeta>,
    hooks: HooksOf,
    options: Options,
    /// Other doors than the real ones.
    platform: Option<Platform>,
    /// The namespace of two transports.
    twice: Option<&'static str>,
}

impl Builder<NoApp> {
    pub(super) fn new(dir: &Path) -> Self {
        Builder {
            app: Arc::new(NoApp),
            workflows: Vec::new(),
            steps: Vec::new(),
            hooks: HooksOf::new(),
            options: Options::new(dir),
            platform: None,
            twice: None,
        }
    }

    /// Gives the engine its app: what steps reach as `io.app()`, such as
    /// connection pools. Comes before the sagas that need it.
    pub fn app<App: Send + Sync + 'static>(self, app: App) -> Builder<App> {
        let Builder { app: _, workflows, steps, hooks, options, platform, twice } = self;
        Builder { app: Arc::new(app), workflows, steps, hooks, options, platform, twice }
    }
}

impl<App: Send + Sync + 'static> Builder<App> {
    /// Registers a saga, by its function: `.saga(checkout)`. Everything that it
    /// reaches, sagas inside it and undos included, comes with it.
    pub fn saga<Shape, F>(mut self, function: F) -> Self
    where
        F: SagaFn<Shape>,
        F::Saga: Saga<App>,
    {
        let _ = function;
        self.workflows.push(Arc::new(SagaWorkflow::<F::Saga, App>::new(self.app.clone())));
        self
    }

    /// Registers a state machine, by its enum: `.fsm::<Purchase>()`. Everything that its handlers reach comes with it.
    pub fn fsm<M: FsmOn<App>>(mut self) -> Self {
        self.workflows.push(Arc::new(FsmWorkflow::<M, App>::new(self.app.clone())));
        self
    }

    /// Registers a workflow as the engine knows them.
    #[cfg(test)]
    pub(super) fn workflow(mut self, workflow: Arc<dyn Workflow>) -> Self {
        self.workflows.push(workflow);
        self
    }

    /// Has a function look at each state that a run of a machine enters: `.on_enter(|run: &RunId, state: &Purchase| ..)`. It is called in
    /// the run's task when the state is durable, once and not in a replay; of a state that was entered when the process ended it may
    /// never be told. It cannot change the run, nor end it by a panic, and holds it up while it works.
    pub fn on_enter<M: Fsm>(mut self, hook: impl Fn(&RunId, &M) + Send + Sync + 'static) -> Self {
        self.hooks.entry((M::meta().identity)()).or_default().enter.push(erased(hook));
        self
    }

    /// As [`on_enter`](Self::on_enter), with each state that a run leaves for another, or for itself. A run that fails or is cancelled leaves none.
    pub fn on_exit<M: Fsm>(mut self, hook: impl Fn(&RunId, &M) + Send + Sync + 'static) -> Self {
        self.hooks.entry((M::meta().identity)()).or_default().exit.push(erased(hook));
        self
    }

    /// Registers a step that can be undone and that no saga's plan shows, because
    /// the saga awaits it through a variable or a generic helper: `.step(charge)`.
    /// A rollback finds undos by name; such a step is refused before it runs otherwise.
    pub fn step<Shape, F>(mut self, function: F) -> Self
    where
        F: StepFn<Shape>,
        F::Step: Step<App>,
    {
        let _ = function;
        self.steps.push(F::Step::META);
        self
    }

    /// Registers a transport: steps reach it as [`io.transport::<T>()`](crate::Io::transport), wherever they stand.
    pub fn transport<T: Transport>(mut self, transport: T) -> Self {
        let known = Arc::make_mut(&mut self.options.outside.transports).add(transport);
        if let Err(namespace) = known {
            self.twice.get_or_insert(namespace);
        }
        self
    }

    /// What is hidden in errors and requests before they are recorded: [`Redaction::default`] unless told otherwise.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.options.outside.redaction = Arc::new(redaction);
        self
    }

    /// What an acknowledgement promises. [`Durability::Commit`] unless told otherwise.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.options.wal.durability = durability;
        self
    }

    /// The size of the log's segments in bytes: 16 MiB unless told otherwise,
    /// and at least 64 KiB. Each is written full of zeros before it is used.
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.options.wal.segment_bytes = bytes.max(64 << 10);
        self
    }

    /// The size of the arena's segments in bytes: 64 MiB unless told otherwise,
    /// and at least 64 KiB. The arena holds values above 64 KiB and [`Blob`](crate::Blob)s.
    pub fn arena_segment_bytes(mut self, bytes: u64) -> Self {
        self.options.arena.segment_bytes = bytes;
        self
    }

    /// Where the engine keeps what its log no longer holds: a file `checkpoint.redb`
    /// in the data directory unless told otherwise. The log and the arena stay in the directory: a store belongs to
    /// one directory, and must not lose what it has answered for.
    pub fn checkpoint_store(mut self, store: impl CheckpointStore) -> Self {
        self.options.store = Some(Arc::new(store));
        self
    }

    /// How many bytes of `checkpoint.redb` are kept in memory: 64 MiB unless told otherwise.
    pub fn checkpoint_cache_bytes(mut self, bytes: usize) -> Self {
        self.options.cache_bytes = bytes;
        self
    }

    /// How long a record may wait in a segment of the log that is not full
    /// before it goes into the checkpoint: 5 s unless told otherwise.
    pub fn checkpoint_interval(mut self, interval: Duration) -> Self {
        self.options.policy.seal_age = interval;
        self
    }

    /// How long a run waits in memory before it sleeps in the checkpoint alone:
    /// 30 s unless told otherwise. It wakes for its timer, for a signal, a cancel, and for whoever
    /// attaches to it.
    pub fn sleep_after(mut self, wait: Duration) -> Self {
        self.options.policy.park_age = wait;
        self
    }

    /// With more runs in memory than this, those that wait sleep at once, short
    /// journals first: 10,000 unless told otherwise.
    pub fn resident_runs(mut self, runs: usize) -> Self {
        self.options.policy.resident = runs;
        self
    }

    /// What is kept of a run that has ended: [`History::Full`] unless told otherwise.
    pub fn history(mut self, history: History) -> Self {
        self.options.policy.history = history;
        self
    }

    /// Forgets runs this long after they have ended; never unless told otherwise. Their ids stay known.
    pub fn forget_after(mut self, age: Duration) -> Self {
        self.options.policy.retention.age = Some(age);
        self
    }

    /// Of the runs that have ended, keeps so many, the newest; all unless told otherwise. The ids of the others stay known.
    pub fn keep_ended(mut self, runs: u64) -> Self {
        self.options.policy.retention.count = Some(runs);
        self
    }

    /// Forgets even the id of a run this long after the run was forgotten; never
    /// unless told otherwise. From then on the id can be started anew.
    pub fn forget_ids_after(mut self, age: Duration) -> Self {
        self.options.policy.retention.tombstone_age = Some(age);
        self
    }

    /// Of the ids of forgotten runs, keeps so many, the newest; all unless told otherwise.
    pub fn keep_ids(mut self, ids: u64) -> Self {
        self.options.policy.retention.tombstone_count = Some(ids);
        self
    }

    /// Opens a backup: its runs go on here, with the same idempotency keys. Says
    /// that the engine that it was taken from does not run on, nor any other copy.
    pub fn restore(mut self) -> Self {
        self.options.restore = true;
        self
    }

    /// Encrypts what is written from now on, with keys from a provider that is asked while the engine is opened
    /// ([`StaticKeys`](crate::StaticKeys), or one of your own): arguments, outputs, errors, signals, states, notes and
    /// whatever else values or texts of yours stand in, in the log, the checkpoint and the arena
    /// (XChaCha20-Poly1305). Once a directory is encrypted it opens with its keys only. One that was not can be
    /// opened with keys: what it has stays as it is, what comes is encrypted.
    ///
    /// Not hidden are ids of runs, names (of workflows, steps, keys, and states that a sleeping run could need), the
    /// SHA-256 of artifacts, kinds, sizes, numbers and times of records. What somebody else has changed or moved is
    /// noticed; that a whole directory, or the end of its log, was replaced by an older one is not.
    ///
    /// [`Blob`](crate::Blob)s are decrypted into memory, and so take it: they are not read in place any more.
    /// [`Engine::export`] writes plain JSON Lines; [`Engine::backup`] copies what is encrypted as it stands.
    #[cfg(feature = "encrypt")]
    pub fn encrypt(mut self, keys: impl crate::storage::KeyProvider) -> Self {
        self.options.keys = Some(crate::storage::crypt::Provider::new(keys));
        self
    }

    /// How many crashes in a row, each with an attempt of the run in the air,
    /// make a run [`Status::Poisoned`](crate::Status::Poisoned): 10 unless told
    /// otherwise, and at least 1. Any new fact of the run starts the count again.
    pub fn poison_after(mut self, crashes: u32) -> Self {
        self.options.limits.poison = crashes.max(1);
        self
    }

    /// How long [`Engine::shutdown`] waits for attempts in the air before it
    /// drops them: 10 s unless told otherwise.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.options.limits.shutdown = limit;
        self
    }

    /// Leaves runs in flight alone whose workflow is not registered, instead of
    /// refusing to open. They are listed, take signals, and go on with the next
    /// engine that has their workflow.
    pub fn keep_unknown_workflows(mut self) -> Self {
        self.options.keep_unknown = true;
        self
    }

    /// Opens on a simulated machine, as the process that runs there now.
    #[cfg(any(test, feature = "testing"))]
    pub fn sim(mut self, sim: &crate::platform::sim::Sim) -> Self {
        self.platform = Some(sim.platform());
        self
    }

    /// Opens the data directory, which is created if need be, replays its log
    /// and sets every run going that has something to do. Blocks the calling
    /// task while it reads.
    ///
    /// # Errors
    /// When the directory is owned by another process, is not a data directory,
    /// is of a newer format, damaged or not accessible; when two workflows or
    /// steps have one name; when runs in flight need workflows or undos that
    /// are not registered; when it is encrypted and a key is missing or another one
    /// ([`StorageError::Encrypted`](crate::StorageError::Encrypted)).
    pub async fn open(self) -> Result<Engine> {
        let Builder { app, workflows, steps, hooks, options, platform, twice } = self;
        if let Some(namespace) = twice {
            return Err(Error::DuplicateTransport { namespace });
        }
        let platform = match platform {
            Some(platform) => platform,
            None => real::platform().map_err(|_| Error::NoRuntime)?,
        };
        let registry = Registry::new(workflows, steps)?.with_hooks(hooks)?;
        let (core, report) = engine::open(options, platform, registry, app).await?;
        Ok(Engine::new(core, report))
    }

    /// Where it would open, and through which doors.
    pub(super) fn into_place(self) -> (Options, Option<Platform>) {
        (self.options, self.platform)
    }

    /// What it would run, where it would open, and through which doors.
    pub(super) fn into_code(self) -> (Result<Code>, Options, Option<Platform>) {
        let Builder { app: _, workflows, steps, hooks: _, options, platform, twice } = self;
        let code = match twice {
            Some(namespace) => Err(Error::DuplicateTransport { namespace }),
            None => Registry::new(workflows, steps).map(|known| {
                let outside = options.outside.clone();
                Code { registry: Arc::new(known), outside }
            }),
        };
        (code, options, platform)
    }

    /// As [`open`](Self::open), through other doors.
    #[cfg(test)]
    pub(super) async fn open_on(mut self, platform: Platform) -> Result<Engine> {
        self.platform = Some(platform);
        self.open().await
    }
}

impl<App> std::fmt::Debug for Builder<App> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sagas: Vec<&str> = self.workflows.iter().map(|workflow| workflow.meta().name).collect();
        f.debug_struct("Builder").field("dir", &self.options.dir).field("sagas", &sagas).finish_non_exhaustive()
    }
}

/// A hook with its type taken away.
fn erased<M: Fsm>(hook: impl Fn(&RunId, &M) + Send + Sync + 'static) -> Hook {
    Arc::new(move |run, state| {
        hook(run, &M::read(state)?);
        Ok(())
    })
}
