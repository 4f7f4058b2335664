//! How an engine is put together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use crate::engine::{self, Config, Error, Limits, Registry, Result, Workflow};
use crate::io::NoApp;
use crate::platform::{Platform, real};
use crate::saga::{Saga, SagaFn, SagaWorkflow};
use crate::step::{Step, StepFn, StepMeta, StepSig};
use crate::storage::{Durability, WalConfig};

/// Puts an [`Engine`] together: [`Engine::builder`].
#[must_use = "an engine runs only when it is opened: `.open().await`"]
pub struct Builder<App = NoApp> {
    dir: PathBuf,
    app: Arc<App>,
    workflows: Vec<Arc<dyn Workflow>>,
    steps: Vec<&'static StepMeta>,
    wal: WalConfig,
    limits: Limits,
    keep_unknown: bool,
}

impl Builder<NoApp> {
    pub(super) fn new(dir: &Path) -> Self {
        Builder {
            dir: dir.to_owned(),
            app: Arc::new(NoApp),
            workflows: Vec::new(),
            steps: Vec::new(),
            wal: WalConfig::default(),
            limits: Limits { poison: 10, suspect: 3, shutdown: Duration::from_secs(10) },
            keep_unknown: false,
        }
    }

    /// Gives the engine its app: what steps reach as `io.app()`, such as
    /// connection pools. Comes before the sagas that need it.
    pub fn app<App: Send + Sync + 'static>(self, app: App) -> Builder<App> {
        let Builder { dir, app: _, workflows, steps, wal, limits, keep_unknown } = self;
        Builder { dir, app: Arc::new(app), workflows, steps, wal, limits, keep_unknown }
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

    /// What an acknowledgement promises. [`Durability::Commit`] unless told otherwise.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.wal.durability = durability;
        self
    }

    /// The size of the log's segments in bytes: 16 MiB unless told otherwise,
    /// and at least 64 KiB. Each is written full of zeros before it is used.
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.wal.segment_bytes = bytes.max(64 << 10);
        self
    }

    /// How many crashes in a row, each with an attempt of the run in the air,
    /// make a run [`Status::Poisoned`](crate::Status::Poisoned): 10 unless told
    /// otherwise, and at least 1. Any new fact of the run starts the count again.
    pub fn poison_after(mut self, crashes: u32) -> Self {
        self.limits.poison = crashes.max(1);
        self
    }

    /// How long [`Engine::shutdown`] waits for attempts in the air before it
    /// drops them: 10 s unless told otherwise.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.limits.shutdown = limit;
        self
    }

    /// Leaves runs in flight alone whose workflow is not registered, instead of
    /// refusing to open. They are listed, take signals, and go on with the next
    /// engine that has their workflow.
    pub fn keep_unknown_workflows(mut self) -> Self {
        self.keep_unknown = true;
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
    /// are not registered.
    pub async fn open(self) -> Result<Engine> {
        let platform = real::platform().map_err(|_| Error::NoRuntime)?;
        self.open_on(platform).await
    }

    /// As [`open`](Self::open), through other doors.
    pub(super) async fn open_on(self, platform: Platform) -> Result<Engine> {
        let Builder { dir, app, workflows, steps, wal, limits, keep_unknown } = self;
        let registry = Registry::new(workflows, steps)?;
        let config = Config { dir, platform, wal, limits, registry, app, keep_unknown };
        let (core, report) = engine::open(config).await?;
        Ok(Engine::new(core, report))
    }
}

impl<App> std::fmt::Debug for Builder<App> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sagas: Vec<&str> = self.workflows.iter().map(|workflow| workflow.meta().name).collect();
        f.debug_struct("Builder").field("dir", &self.dir).field("sagas", &sagas).finish_non_exhaustive()
    }
}
