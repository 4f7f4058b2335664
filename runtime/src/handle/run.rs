//! One run as a program holds it, typed by its status.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::held_up::StuckReport;
use super::link::Link;
use super::outcome::Outcome;
use super::signal::{SignalRequest, wanted};
use super::watch::{Progress, Watch};
use crate::engine::{Core, Error, Failure, Held, Result, RunInfo};
use crate::fsm::Fsm;
use crate::id::RunId;
use crate::ops::Signal;
use crate::plan::WorkflowSig;

/// A status as a type, with what a handle of that status knows. Implemented
/// here alone: a status cannot be made up.
pub trait TypedStatus: sealed::Sealed {
    /// What the handle knows.
    type Data<W: WorkflowSig>: Send;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident($workflow:ident) = $data:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}

            impl sealed::Sealed for $name {}

            impl TypedStatus for $name {
                type Data<$workflow: WorkflowSig> = $data;
            }
        )*
    };
}

states! {
    /// It goes on, as far as the handle knows.
    Running(W) = ();
    /// It succeeded.
    Completed(W) = W::Output;
    /// It failed, and everything it did is undone.
    Failed(W) = Failure<W::Error>;
    /// It was cancelled, and everything it did is undone.
    Cancelled(W) = ();
    /// It was paused.
    Paused(W) = String;
    /// Something failed after its pivot, or could not be undone.
    Stuck(W) = StuckReport<W::Error>;
    /// The code no longer matches what it has recorded.
    Diverged(W) = String;
    /// It took the process down too often.
    Poisoned(W) = String;
}

/// A run of workflow `W` in status `S`.
///
/// The status was durable in the journal when the handle was made; what a
/// handle offers depends on it: only a [`Completed`] run has an
/// [`output`](Run::output). A run that goes on stays in memory while a handle of it lives; a handle does not keep the engine going.
pub struct Run<W: WorkflowSig, S: TypedStatus = Running> {
    link: Arc<Link>,
    live: Held,
    data: S::Data<W>,
}

impl<W: WorkflowSig, S: TypedStatus> Run<W, S> {
    pub(super) fn new(link: &Arc<Link>, live: Held, data: S::Data<W>) -> Self {
        Run { link: link.clone(), live, data }
    }

    pub(super) fn data(&self) -> &S::Data<W> {
        &self.data
    }

    /// The run's engine, if it is still there.
    pub(super) fn core(&self) -> Result<Arc<Core>> {
        self.link.core()
    }

    /// The run after a word that has it go on.
    pub(super) fn goes_on(self) -> Run<W, Running> {
        Run { link: self.link, live: self.live, data: () }
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.live.id
    }

    /// What the run does now.
    #[must_use]
    pub fn info(&self) -> RunInfo {
        self.live.info().of(W::PLAN)
    }

    /// What the run's body has [published](crate::publish()) last, if it has published anything.
    ///
    /// # Errors
    /// [`Error::Undecodable`](crate::Error::Undecodable) when that is no `T`.
    pub fn progress<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let progress = self.live.seen().progress;
        progress.map(|value| Progress::new(self.live.id.clone(), value).decode()).transpose()
    }

    /// Tells of the run's statuses, of what its body publishes, and of each state that a machine enters, as they become durable.
    ///
    /// Who wants to be told of all states reads until a status that is an end: [`outcome`](Run::outcome), asked
    /// beside it in a `select!`, may be there before the last state is read.
    ///
    /// ```no_run
    /// # use factum::{prelude::*, Update};
    /// # #[saga]
    /// # async fn index(pages: u32) {
    /// #     publish(&pages).await;
    /// # }
    /// # async fn watch(engine: Engine) -> factum::Result<()> {
    /// let mut watch = engine.start(index(1_000)).await?.watch();
    /// while let Some(update) = watch.next().await {
    ///     match update {
    ///         Update::Progress(progress) => println!("{} pages", progress.decode::<u32>()?),
    ///         Update::Status(status) => println!("{status}"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::new(&self.live, W::PLAN)
    }
}

impl<M: Fsm, S: TypedStatus> Run<M, S> {
    /// The state that the run is in, or was in when it ended.
    ///
    /// # Errors
    /// [`Error::Undecodable`](crate::Error::Undecodable) when what is recorded is no state of the machine any more.
    pub fn state(&self) -> Result<M> {
        let value = self.live.seen().state.value;
        M::read(&value).map_err(|source| Error::Undecodable { what: "state", id: self.live.id.clone(), source })
    }
}

impl<W: WorkflowSig> Run<W, Running> {
    pub(super) fn running(link: &Arc<Link>, live: Held) -> Self {
        Run::new(link, live, ())
    }

    /// Sends the run a signal, as [`Engine::signal`](crate::Engine::signal). One that the workflow
    /// never waits for does not compile; what a saga inside it waits for is known when it runs,
    /// and the engine refuses the others.
    ///
    /// # Errors
    /// As [`Engine::signal`](crate::Engine::signal).
    ///
    /// # Cancel safety
    /// Dropping the future does not take the signal back.
    pub fn signal<T: Signal>(&self, signal: T) -> SignalRequest {
        const { wanted::<W, T>() };
        SignalRequest::new(self.link.clone(), None, self.live.id.as_str(), &signal)
    }

    /// Asks the run to stop and to undo what it did, as [`Engine::cancel`](crate::Engine::cancel).
    ///
    /// # Errors
    /// As [`Engine::cancel`](crate::Engine::cancel).
    ///
    /// # Cancel safety
    /// Dropping the future does not take the wish back.
    pub async fn cancel(&self) -> Result<()> {
        self.core()?.cancel(self.live.id.as_str()).await
    }

    /// Stops the run at its next await, as [`Engine::pause`](crate::Engine::pause).
    ///
    /// # Errors
    /// As [`Engine::pause`](crate::Engine::pause).
    ///
    /// # Cancel safety
    /// Dropping the future does not take the wish back.
    pub async fn pause(&self, reason: impl Into<String>) -> Result<()> {
        self.core()?.pause(self.live.id.as_str(), reason.into()).await
    }

    /// Waits until the run has ended or cannot go on by itself. May be called
    /// again, and on any number of handles.
    ///
    /// # Errors
    /// [`Error::Stopped`](crate::Error::Stopped) when the engine ends first,
    /// [`Error::Storage`](crate::Error::Storage) when it has failed,
    /// [`Error::Undecodable`](crate::Error::Undecodable) when the recorded
    /// output or error is not of this workflow's type any more.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn outcome(&self) -> Result<Outcome<W>> {
        let phase = self.live.settled().await?;
        Outcome::new(&self.link, &self.live, phase)
    }
}

impl<W: WorkflowSig> Run<W, Completed> {
    /// What the workflow returned.
    #[must_use]
    pub fn output(&self) -> &W::Output {
        &self.data
    }

    /// What the workflow returned, for good.
    #[must_use]
    pub fn into_output(self) -> W::Output {
        self.data
    }
}

impl<W: WorkflowSig> Run<W, Failed> {
    /// Why the run failed.
    #[must_use]
    pub fn failure(&self) -> &Failure<W::Error> {
        &self.data
    }

    /// Why the run failed, for good.
    #[must_use]
    pub fn into_failure(self) -> Failure<W::Error> {
        self.data
    }
}

impl<W: WorkflowSig, S: TypedStatus> fmt::Debug for Run<W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("workflow", &W::NAME).field("id", &self.live.id).finish_non_exhaustive()
    }
}
