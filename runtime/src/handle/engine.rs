//! The engine as a program holds it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::link::Link;
use super::list::ListRequest;
use super::request::{RunRequest, StartRequest};
use super::signal::{SignalRequest, SignalStartRequest, wanted};
use super::{Builder, Run, Running};
use crate::codec::{ArtifactId, Blob};
use crate::engine::{Core, Error, Import, OpenReport, Result, RunHistory, RunInfo, Stats, TailEntry};
use crate::fsm::Fsm;
use crate::id::{Lsn, Position};
use crate::io::NoApp;
use crate::ops::Signal;
use crate::plan::WorkflowSig;
use crate::saga::{SagaFn, Startable};

/// Runs workflows in this process, on one data directory.
///
/// Cheap to clone; all clones are one engine. Runs belong to the engine, not to
/// whoever started them. When the last clone is dropped without a
/// [`shutdown`](Self::shutdown), everything stops at once as in a crash, and
/// the next engine on the directory goes on from the last fact.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    link: Arc<Link>,
    report: OpenReport,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.core.kill();
    }
}

impl Engine {
    /// Begins an engine on a data directory.
    pub fn builder(dir: impl AsRef<Path>) -> Builder<NoApp> {
        Builder::new(dir.as_ref())
    }

    pub(super) fn new(core: Arc<Core>, report: OpenReport) -> Self {
        let link = Link::new(&core);
        Engine { inner: Arc::new(Inner { core, link, report }) }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    /// What the handles of runs hold.
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.inner.link
    }

    /// Starts a run: `engine.start(checkout(order)).id("order-42").await?`; of a state machine by its initial state,
    /// `engine.start(purchase::Placed { cart })`.
    /// The run exists for good when that returns.
    ///
    /// An id that was started before with the same input gives the same run,
    /// whether it has ended or not; the moment and the deadline asked for then are not its own. Without an id the run gets a UUID (version 7).
    ///
    /// # Errors
    /// [`Error::Conflict`] when the id has another workflow or input,
    /// [`Error::NotRegistered`], [`Error::InvalidId`], [`Error::Unrecordable`]
    /// for an argument that JSON cannot hold, [`Error::Stopped`],
    /// [`Error::Storage`].
    ///
    /// # Cancel safety
    /// Dropping the future does not take the start back.
    pub fn start<C: Startable>(&self, call: C) -> StartRequest<C::Workflow> {
        StartRequest::new(self.clone(), call.into_start())
    }

    /// Starts a run and waits for its outcome: `engine.run(checkout(order)).id("order-42").await?`.
    ///
    /// # Errors
    /// [`RunError`](crate::RunError) says how the run ended otherwise than well.
    ///
    /// # Cancel safety
    /// Dropping the future neither takes the start back nor cancels the run.
    pub fn run<C: Startable>(&self, call: C) -> RunRequest<C::Workflow> {
        RunRequest::new(self.start(call))
    }

    /// A typed handle of a run that exists: `engine.attach(checkout, "order-42").await?`.
    ///
    /// # Errors
    /// [`Error::UnknownRun`]; [`Error::Conflict`] when it is of another workflow
    /// or version; [`Error::NotRegistered`] when the engine does not run it;
    /// [`Error::Forgotten`]; [`Error::Storage`].
    pub async fn attach<Shape, F: SagaFn<Shape>>(
        &self,
        function: F,
        id: impl AsRef<str>,
    ) -> Result<Run<F::Saga, Running>> {
        let _ = function;
        let run = self.core().attach(F::Saga::meta(), id.as_ref()).await?;
        Ok(Run::running(self.link(), run))
    }

    /// A typed handle of a machine's run that exists: `engine.attach_fsm::<Purchase>("order-42").await?`.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub async fn attach_fsm<M: Fsm>(&self, id: impl AsRef<str>) -> Result<Run<M, Running>> {
        let run = self.core().attach(M::meta(), id.as_ref()).await?;
        Ok(Run::running(self.link(), run))
    }

    /// The state that a machine's run is in, or was in when it ended: `engine.state::<Purchase>("order-42").await?`.
    ///
    /// # Errors
    /// As [`attach`](Self::attach), and [`Error::Undecodable`] when the recorded state is none of the machine's any more.
    pub async fn state<M: Fsm>(&self, id: impl AsRef<str>) -> Result<M> {
        self.attach_fsm::<M>(id).await?.state()
    }

    /// Sends a run a signal: `engine.signal("order-42", Approval { .. }).await?`.
    /// It is the run's for good when that returns; a run that does not wait for
    /// it yet finds it later.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::NotActive`] for a run that has ended or
    /// cannot go on by itself, [`Error::NotAccepted`] when the workflow never waits for such a signal,
    /// [`Error::Rejected`] when the state that a machine's run is in rejects it,
    /// [`Error::InboxFull`], [`Error::Unrecordable`], [`Error::Stopped`], [`Error::Storage`].
    ///
    /// # Cancel safety
    /// Dropping the future does not take the signal back.
    pub fn signal<T: Signal>(&self, id: impl AsRef<str>, signal: T) -> SignalRequest {
        SignalRequest::new(self.link().clone(), Some(self.clone()), id.as_ref(), &signal)
    }

    /// Sends a signal to a run that is started if there is none of its id:
    /// `engine.signal_with_start(cart("ann"), Add { .. }).id("cart-ann").await?`. Start and signal
    /// are recorded as one; a run that exists gets the signal alone, by the rules of
    /// [`signal`](Self::signal), if it has the same workflow and input. A signal that the workflow
    /// never waits for does not compile.
    ///
    /// # Errors
    /// Those of [`start`](Self::start) and of [`signal`](Self::signal).
    ///
    /// # Cancel safety
    /// Dropping the future takes neither back.
    pub fn signal_with_start<C: Startable, T: Signal>(&self, call: C, signal: T) -> SignalStartRequest<C::Workflow> {
        const { wanted::<C::Workflow, T>() };
        SignalStartRequest::new(self.start(call), &signal)
    }

    /// Asks a run to stop at its next await, and to undo what it did. Asking
    /// twice is asking once. Returns when the wish is durable, not when the run
    /// has ended.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::NotActive`] for a run that has ended or
    /// cannot go on by itself, [`Error::PastPivot`], [`Error::Stopped`], [`Error::Storage`].
    ///
    /// # Cancel safety
    /// Dropping the future does not take the wish back.
    pub async fn cancel(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.core().cancel(id.as_ref()).await
    }

    /// Stops a run at its next await, until somebody [resumes](Self::resume) it; a rollback stops behind the undo that
    /// it is at. Attempts in the air come to their ends. Returns when the wish is durable.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::NotActive`] for a run that has ended or
    /// cannot go on by itself, [`Error::Stopped`], [`Error::Storage`].
    ///
    /// # Cancel safety
    /// Dropping the future does not take the wish back.
    pub async fn pause(&self, id: impl AsRef<str>, reason: impl Into<String>) -> Result<(), Error> {
        self.core().pause(id.as_ref(), reason.into()).await
    }

    /// Has a paused run go on where it stopped.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    ///
    /// # Cancel safety
    /// As [`pause`](Self::pause).
    pub async fn resume(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.core().resume(id.as_ref()).await
    }

    /// Has a stuck, diverged or poisoned run try again: undos that have failed; else the failed step, if it was the last
    /// thing that the run did; else the body, over what is recorded.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::NotHeldUp`], [`Error::Stopped`], [`Error::Storage`].
    ///
    /// # Cancel safety
    /// Dropping the future does not take the wish back.
    pub async fn retry(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.core().retry(id.as_ref()).await
    }

    /// Says that something which a run could not do is settled by hand: an undo that has failed counts as done, and with
    /// the last of them the rollback goes on to its end; of a step that failed after a pivot, or a pivot of which nobody
    /// knew, the run has failed, and nothing of it is undone.
    ///
    /// # Errors
    /// [`Error::NothingToResolve`] when nothing at `step` is to be settled; else as [`retry`](Self::retry).
    ///
    /// # Cancel safety
    /// As [`retry`](Self::retry).
    pub async fn resolve(&self, id: impl AsRef<str>, step: &Position, note: impl Into<String>) -> Result<(), Error> {
        self.core().resolve(id.as_ref(), step, note.into()).await
    }

    /// Gives a stuck, diverged or poisoned run up: it has failed, and what it did stays as it is.
    ///
    /// # Errors
    /// As [`retry`](Self::retry).
    ///
    /// # Cancel safety
    /// As [`retry`](Self::retry).
    pub async fn abandon(&self, id: impl AsRef<str>, note: impl Into<String>) -> Result<(), Error> {
        self.core().abandon(id.as_ref(), note.into()).await
    }

    /// The runs that are known, in the order in which they were started here (or imported), a page
    /// at a time: `engine.list().workflow("checkout").status(Status::Stuck).await?`. A page has 100
    /// runs unless told otherwise; [`RunPage::next`](crate::RunPage::next) is where the next one
    /// begins. No more is read of the runs on disk than the page needs; with a filter that is all
    /// that lies between its runs.
    ///
    /// ```
    /// # use factum::prelude::*;
    /// # async fn print(engine: Engine) -> factum::Result<()> {
    /// let mut page = engine.list().workflow("checkout").limit(1_000).await?;
    /// loop {
    ///     for run in &page {
    ///         println!("{} is {}", run.id, run.status);
    ///     }
    ///     let Some(next) = page.next else { break };
    ///     page = engine.list().workflow("checkout").limit(1_000).after(&next).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Stopped`], [`Error::Storage`].
    pub fn list(&self) -> ListRequest {
        ListRequest::new(self.clone())
    }

    /// Every durable event of a run, in order. Of a run that has ended with
    /// [`History::Outcome`](crate::History::Outcome) only the start and the end are left; of one that went on with
    /// [`again`](crate::again()), or is a machine's, the start and the last turn or state, and of earlier ones what the checkpoint has not taken yet. Reads the part of the log that is not in the
    /// checkpoint yet, and blocks the calling task meanwhile. [`RunHistory::attempts`] tells how long each attempt took.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Forgotten`], [`Error::Storage`].
    pub async fn history(&self, id: impl AsRef<str>) -> Result<RunHistory> {
        self.core().history(id.as_ref()).await
    }

    /// Writes a run as JSON Lines: what it has recorded until now, durably, and
    /// the bytes of every blob in it. To be read by people, and by
    /// [`import`](Self::import); `FORMAT.md` tells the lines. Blocks the calling
    /// task while it writes: a file is best given as a `BufWriter`.
    ///
    /// The runs that it has [spawned](crate::spawn()) are runs of their own, and exported for themselves: import them, too,
    /// before a run that waits for them goes on.
    ///
    /// Without its last line (`{"end":true,..}`) an export is none: what was
    /// written before an error is of no use.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Forgotten`], [`Error::NotExported`] when a
    /// blob cannot be read or `out` fails, [`Error::Storage`].
    pub async fn export(&self, id: impl AsRef<str>, mut out: impl io::Write) -> Result<()> {
        let export = self.core().export(id.as_ref()).await?;
        export.write(&mut out)
    }

    /// Records a run that was exported elsewhere, under its id. One that has
    /// ended is known here from then on; one that has not goes on here, with the
    /// same idempotency keys: the original must not run on. An attempt in the
    /// air when it was exported counts as one that a crash cut short. Events
    /// keep their times; LSNs and blobs get new numbers.
    ///
    /// Everything is read and checked first, in memory; nothing is recorded when
    /// anything is wrong. The run is there for good when that returns.
    ///
    /// # Errors
    /// [`Error::Import`] with the line that is wrong; [`Error::AlreadyHere`] when
    /// the run is here, [`Error::Conflict`] when the id belongs to another, [`Error::Forgotten`];
    /// [`Error::NotRegistered`] and [`Error::UnknownSteps`] when a run in flight
    /// needs what the engine was not given; [`Error::Stopped`]; [`Error::Storage`], with
    /// [`StorageError::TooLarge`](crate::StorageError::TooLarge) for a run that is too long to be recorded at once.
    ///
    /// # Cancel safety
    /// Dropping the future does not take the import back once it is recorded.
    pub async fn import(&self, reader: impl io::BufRead) -> Result<RunInfo> {
        let import = Import::read(reader)?;
        self.core().import(import).await
    }

    /// The newest `count` durable events of all runs, oldest first, as far as
    /// the log still holds them: its newest full segment and what came after.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn tail(&self, count: usize) -> Result<Vec<TailEntry>> {
        self.core().tail(count).await
    }

    /// Puts bytes into the arena, to be passed to a run as part of its input:
    /// `engine.start(index(engine.put(pages).await?))`. They are durable when
    /// that returns, and kept while a run that names them is known; bytes that
    /// no run ever names are given back when the last handle is dropped.
    ///
    /// # Errors
    /// [`Error::Storage`], also for more than 1 GiB; [`Error::Stopped`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing but the bytes' space for a while.
    pub async fn put(&self, bytes: impl Into<Vec<u8>>) -> Result<Blob> {
        self.core().put(bytes.into()).await
    }

    /// The bytes of an artifact that a step has put ([`Io::put_artifact`](crate::Io::put_artifact)), in place.
    ///
    /// # Errors
    /// [`Error::Storage`]: no run that is known has put it, it is damaged, or cannot be read.
    pub fn artifact(&self, artifact: &ArtifactId) -> Result<Blob> {
        Ok(self.core().checkpoint.arena.get_content(artifact.0)?)
    }

    /// Copies the data directory, as of one moment, into `dir`, which is absent
    /// or empty; runs go on meanwhile. The copy opens only with
    /// [`Builder::restore`], as its runs go on with the same idempotency keys.
    /// Gives the last event that is in it.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Stopped`]. What is in `dir` then is no backup, and does not open.
    ///
    /// # Cancel safety
    /// Dropping the future does not end the copying.
    pub async fn backup(&self, dir: impl AsRef<Path>) -> Result<Lsn> {
        self.core().backup(dir.as_ref()).await
    }

    /// Writes the checkpoint anew, packed: rows that came, changed and went leave room between them that is used again
    /// but not given back. Runs go on meanwhile; the log keeps what they record until it is done. The new file needs
    /// room beside the old one. A store of one's own is asked to do [`its own`](crate::CheckpointStore::compact).
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Stopped`]. The checkpoint is as it was then. A sync that fails stops the engine, here as everywhere, and so does a new
    /// file that cannot be opened: the next engine opens what is there.
    ///
    /// # Cancel safety
    /// Dropping the future does not end the work; a [`shutdown`](Self::shutdown) waits for it.
    pub async fn compact(&self) -> Result<()> {
        self.core().compact().await
    }

    /// What was found when the engine was opened.
    #[must_use]
    pub fn open_report(&self) -> &OpenReport {
        &self.inner.report
    }

    /// What was written since the engine was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core().stats()
    }

    /// Stops every run at its next await, makes everything durable and gives
    /// the data directory up. The next engine on it goes on with every run.
    ///
    /// Attempts in the air may end first, within
    /// [`Builder::shutdown_timeout`]; then they are dropped, and their ends
    /// recorded as unknown.
    ///
    /// # Errors
    /// [`Error::Storage`] when the last write or sync fails, or one has failed
    /// before; [`Error::StillRunning`] when a body does not even come to a point
    /// at which it can be dropped: the directory is then held until it does.
    pub async fn shutdown(self) -> Result<()> {
        self.core().shutdown().await
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("dir", &self.core().dir).finish_non_exhaustive()
    }
}
