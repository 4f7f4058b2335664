//! Requests that take options before they are awaited.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::SystemTime;

use super::{Engine, Outcome, Run, RunError, Running};
use crate::codec::{EncodeError, Payload};
use crate::engine::{Error, NewRun, NewSignal, Result, StartWith};
use crate::id::RunId;
use crate::plan::WorkflowSig;
use crate::platform::BoxFuture;
use crate::record::Name;
use crate::saga::StartArgs;

/// A start that has not been asked for yet: [`Engine::start`].
#[must_use = "a run is started only when this is awaited: add `.await`"]
pub struct StartRequest<W> {
    engine: Engine,
    id: Option<RunId>,
    input: std::result::Result<Payload, EncodeError>,
    options: StartWith,
    workflow: PhantomData<fn() -> W>,
}

impl<W: WorkflowSig> StartRequest<W> {
    pub(super) fn new(engine: Engine, start: StartArgs) -> Self {
        let options = StartWith { key: start.key, ..StartWith::default() };
        let input = start.input.map(|(input, _)| input);
        StartRequest { engine, id: None, input, options, workflow: PhantomData }
    }

    /// The run's id, of 1 to 512 bytes: what makes a second start the same run.
    pub fn id(mut self, id: impl Into<RunId>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// When the run begins; at once unless told otherwise. It exists, and can be cancelled, from now on.
    pub fn at(mut self, moment: SystemTime) -> Self {
        self.options.begin_at = Some(moment.into());
        self
    }

    /// When the run fails if it has not ended: it stops at its next await, what it did is undone, and its failure is
    /// [`Failure::DeadlineExceeded`](crate::Failure::DeadlineExceeded). A run that has attempted its pivot goes on, and one that is
    /// paused stays so until it is resumed.
    pub fn deadline(mut self, moment: SystemTime) -> Self {
        self.options.deadline = Some(moment.into());
        self
    }

    async fn send(self) -> Result<Run<W, Running>> {
        let input = self.input.map_err(|source| Error::Unrecordable { what: "input", source })?;
        let (workflow, version) = (Name::Borrowed(W::NAME), W::VERSION);
        let new = NewRun { id: self.id, workflow, version, input, options: self.options };
        let run = self.engine.core().start(new).await?;
        Ok(Run::running(self.engine.link(), run))
    }

    /// With a signal that is the run's from the start, or is sent to it if there is such a run.
    pub(super) async fn with(mut self, signal: NewSignal) -> Result<Run<W, Running>> {
        self.options.signal = Some(signal);
        self.send().await
    }
}

impl<W: WorkflowSig> IntoFuture for StartRequest<W> {
    type Output = Result<Run<W, Running>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// A start with a wait for the outcome: [`Engine::run`].
#[must_use = "a run is started only when this is awaited: add `.await`"]
pub struct RunRequest<W> {
    start: StartRequest<W>,
}

impl<W: WorkflowSig> RunRequest<W> {
    pub(super) fn new(start: StartRequest<W>) -> Self {
        RunRequest { start }
    }

    /// The run's id, of 1 to 512 bytes: what makes a second start the same run.
    pub fn id(self, id: impl Into<RunId>) -> Self {
        RunRequest { start: self.start.id(id) }
    }

    /// When the run begins, as [`StartRequest::at`].
    pub fn at(self, moment: SystemTime) -> Self {
        RunRequest { start: self.start.at(moment) }
    }

    /// When the run fails if it has not ended, as [`StartRequest::deadline`].
    pub fn deadline(self, moment: SystemTime) -> Self {
        RunRequest { start: self.start.deadline(moment) }
    }

    async fn send(self) -> std::result::Result<W::Output, RunError<W::Error>> {
        // The engine is kept until the run has ended.
        let engine = self.start.engine.clone();
        let outcome = self.start.send().await.map_err(RunError::Engine)?.outcome().await;
        drop(engine);
        match outcome.map_err(RunError::Engine)? {
            Outcome::Completed(run) => Ok(run.into_output()),
            Outcome::Failed(run) => Err(RunError::Failed(run.into_failure())),
            Outcome::Cancelled(_) => Err(RunError::Cancelled),
            Outcome::Paused(_) => Err(RunError::Paused),
            Outcome::Stuck(run) => Err(RunError::Stuck { problem: run.problem().to_owned() }),
            Outcome::Diverged(run) => Err(RunError::Diverged { problem: run.problem().to_owned() }),
            Outcome::Poisoned(run) => Err(RunError::Poisoned { problem: run.problem().to_owned() }),
        }
    }
}

impl<W: WorkflowSig> IntoFuture for RunRequest<W> {
    type Output = std::result::Result<W::Output, RunError<W::Error>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<W> std::fmt::Debug for StartRequest<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartRequest").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<W> std::fmt::Debug for RunRequest<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunRequest").field("id", &self.start.id).finish_non_exhaustive()
    }
}
