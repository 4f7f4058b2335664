//! One run as a program holds it, typed by its status.

use super::outcome::Outcome;
use crate::engine::{Failure, Held, Result, RunInfo};
use crate::id::RunId;
use crate::saga::SagaSig;
use std::fmt;

/// A status as a type, with what a handle of that status knows. Implemented
/// here alone: a status cannot be made up.
pub trait State: sealed::Sealed {
    /// What the handle knows.
    type Data<W: SagaSig>: Send;
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

            impl State for $name {
                type Data<$workflow: SagaSig> = $data;
            }
        )*
    };
}

states! {
    /// It goes on, as far as the handle knows.
    Running(W) = ();
    /// It succeeded.
    Completed(W) = W::Ok;
    /// It failed, and everything it did is undone.
    Failed(W) = Failure<W::Err>;
    /// It was cancelled, and everything it did is undone.
    Cancelled(W) = ();
    /// It was paused.
    Paused(W) = String;
    /// Something failed after its pivot, or could not be undone.
    Stuck(W) = String;
    /// The code no longer matches what it has recorded.
    Diverged(W) = String;
    /// It took the process down too often.
    Poisoned(W) = String;
}

/// A run of workflow `W` in status `S`.
///
/// The status was durable in the journal when the handle was made; what a
/// handle offers depends on it: only a [`Completed`] run has an
/// [`output`](Run::output). A run that goes on stays in memory while a handle of it lives.
pub struct Run<W: SagaSig, S: State = Running> {
    live: Held,
    data: S::Data<W>,
}

impl<W: SagaSig, S: State> Run<W, S> {
    pub(super) fn new(live: Held, data: S::Data<W>) -> Self {
        Run { live, data }
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.live.id
    }

    /// What the run does now.
    #[must_use]
    pub fn info(&self) -> RunInfo {
        self.live.info()
    }
}

impl<W: SagaSig> Run<W, Running> {
    pub(super) fn running(live: Held) -> Self {
        Run::new(live, ())
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
        Outcome::new(&self.live, phase)
    }
}

impl<W: SagaSig> Run<W, Completed> {
    /// What the workflow returned.
    #[must_use]
    pub fn output(&self) -> &W::Ok {
        &self.data
    }

    /// What the workflow returned, for good.
    #[must_use]
    pub fn into_output(self) -> W::Ok {
        self.data
    }
}

impl<W: SagaSig> Run<W, Failed> {
    /// Why the run failed.
    #[must_use]
    pub fn failure(&self) -> &Failure<W::Err> {
        &self.data
    }

    /// Why the run failed, for good.
    #[must_use]
    pub fn into_failure(self) -> Failure<W::Err> {
        self.data
    }
}

macro_rules! problems {
    ($($state:ident),*) => {
        $(impl<W: SagaSig> Run<W, $state> {
            /// What is the matter, in words.
            #[must_use]
            pub fn problem(&self) -> &str {
                &self.data
            }
        })*
    };
}

problems!(Stuck, Diverged, Poisoned);

impl<W: SagaSig, S: State> fmt::Debug for Run<W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("workflow", &W::NAME).field("id", &self.live.id).finish_non_exhaustive()
    }
}
