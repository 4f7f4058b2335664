//! What a run does, as it happens.

use std::fmt;

use serde::de::DeserializeOwned;
use tokio::sync::watch::Receiver;

use crate::codec::{self, Payload};
use crate::engine::{Error, Held, Result, Seen, Status};
use crate::id::RunId;

/// What is new of a run that is [watched](crate::Run::watch).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Update {
    /// Its status is another one.
    Status(Status),
    /// Its body has [published](crate::publish()) something.
    Progress(Progress),
}

/// What a run's body has [published](crate::publish()).
#[derive(Clone)]
pub struct Progress {
    run: RunId,
    value: Payload,
}

impl Progress {
    pub(super) fn new(run: RunId, value: Payload) -> Progress {
        Progress { run, value }
    }

    /// The value.
    ///
    /// # Errors
    /// [`Error::Undecodable`] when the body has published something else than a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        let undecodable = |source| Error::Undecodable { what: "progress", id: self.run.clone(), source };
        codec::decode(&self.value).map_err(undecodable)
    }

    /// The value as JSON.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.value
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.value).finish()
    }
}

/// Tells of a run as it goes on: [`Run::watch`](crate::Run::watch). The run stays in memory while this lives.
pub struct Watch {
    live: Held,
    seen: Receiver<Seen>,
    /// What was told last.
    status: Option<Status>,
    progress: Option<Payload>,
    ended: bool,
}

impl Watch {
    pub(super) fn new(live: &Held) -> Watch {
        let seen = live.watch();
        Watch { live: Held::new(live), seen, status: None, progress: None, ended: false }
    }

    /// The next thing that is new: at first what is there now, then each change when it is
    /// durable. `None` when the run's end was told, or the engine ends before the run does.
    ///
    /// It is the newest that is told: of statuses and of published values that follow one another
    /// faster than this is called, those between are left out. What is published is told before
    /// the status that the run has then. Whether a run that goes on waits or works is not
    /// recorded: it is told as it is at the moment.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Update> {
        while !self.ended {
            // Whatever comes after this look is looked at again.
            let seen = self.seen.borrow_and_update().clone();
            let Seen::Phase(shown) = seen else { break };
            if let Some(value) = shown.progress.as_ref().filter(|value| !self.knows(value)) {
                self.progress = Some(value.clone());
                return Some(Update::Progress(Progress::new(self.live.id.clone(), value.clone())));
            }
            let status = self.live.status(&shown);
            if self.status != Some(status) {
                self.status = Some(status);
                self.ended = shown.phase.has_ended();
                return Some(Update::Status(status));
            }
            if self.seen.changed().await.is_err() {
                break;
            }
        }
        None
    }

    /// Whether a published value is the one that was told last; the same JSON, published again, is another one.
    fn knows(&self, value: &Payload) -> bool {
        self.progress.as_ref().is_some_and(|told| told.is(value))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("run", &self.live.id).field("status", &self.status).finish_non_exhaustive()
    }
}
