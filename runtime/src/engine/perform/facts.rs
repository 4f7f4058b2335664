//! Facts of an attempt, in the run's records.
//!
//! What must always hold: whether a fact is bound is looked up and recorded
//! under the run's lock, so that all who bind one get the same value.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use super::{Error, Interrupt, Performer};
use crate::codec::{ArtifactId, Blob, Payload};
use crate::id::{Position, RunId};
use crate::io::{Ask, Chosen, Ended, IdempotencyKey, Records, Redaction, Shelf, Transports};
use crate::platform::BoxFuture;
use crate::record::{Event, FactKey};
use crate::run::{Choice, Used};
use crate::step::Site;
use crate::storage::StorageError;
use crate::time::Timestamp;

/// The records of one attempt of a step, or of an undo.
pub(super) struct Attempting {
    pub(super) performer: Performer,
    /// The operation that the run waits for: the step, or the scope that is rolled back.
    pub(super) operation: Position,
    /// Where facts are bound: the step, or its undo.
    pub(super) at: Position,
    pub(super) site: Site,
    /// It does not act on the world: what it is given need not be on disk yet.
    pub(super) pure: bool,
}

impl Attempting {
    /// Records a value, unless one is bound. What was bound first, if so.
    fn record(&self, key: &FactKey, ask: &Ask, value: Payload) -> Result<Result<Option<Payload>, Ended>, Error> {
        let performer = &self.performer;
        let mut inner = performer.run.lock();
        let Some(facts) = inner.state.facts(&self.at) else { return Ok(Err(Ended)) };
        if let Some(known) = facts.get(ask.asked()) {
            return Ok(Ok(Some(known.value.clone())));
        }
        // Another attempt, which runs at the same time, may have asked for something else there.
        let fact = ask.key(facts.free_from(&key.name, key.ordinal));
        let Ask { request, nth, alone, asked, .. } = ask.clone();
        let event = Event::FactBound { at: self.at.clone(), fact, request, nth, alone, asked, value };
        let now = performer.core.now();
        inner.record(&performer.core.journal, now, [event]).map(|_| Ok(None))
    }
}

impl Records for Attempting {
    fn key(&self) -> IdempotencyKey {
        self.performer.run.key(&self.at)
    }

    fn run_id(&self) -> &RunId {
        &self.performer.run.id
    }

    fn shelf(&self) -> &Shelf {
        &self.performer.core.shelf
    }

    fn transports(&self) -> &Transports {
        &self.performer.core.outside.transports
    }

    fn redaction(&self) -> &Redaction {
        &self.performer.core.outside.redaction
    }

    fn artifact(&self, artifact: ArtifactId, blob: Blob) -> Result<(), StorageError> {
        let (run, core) = (&self.performer.run, &self.performer.core);
        let event = Event::ArtifactPut { artifact, bytes: Payload::in_arena(blob.into()) };
        let recorded = run.lock().record(&core.journal, core.now(), [event]);
        match recorded {
            Ok(_) => Ok(()),
            Err(Error::Storage(error)) => Err(error),
            // The run is not here any more: neither is who asked.
            Err(_) => Err(StorageError::Closed),
        }
    }

    fn choose(&self, ask: &Ask, used: &Used, again: Option<u32>) -> Result<Chosen, Ended> {
        let state = &self.performer.run.lock().state;
        Ok(match state.facts(&self.at).ok_or(Ended)?.choose(ask.asked(), used, again) {
            Choice::Bound(ordinal, fact) => Chosen::Bound(ordinal, fact.value.clone()),
            Choice::Free(ordinal) => Chosen::Free(ordinal),
            Choice::Changed(ordinal, fact) => {
                Chosen::Changed { ordinal, request: fact.request, asked: fact.asked.to_string() }
            }
        })
    }

    fn begin<'a>(&'a self, _: &'a FactKey, ask: &'a Ask) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if ask.effect {
                self.performer.barrier().await;
            }
            let interrupt = self.performer.run.lock().interrupt.clone();
            if let Some(why @ (Interrupt::Park(_) | Interrupt::Engine(_))) = interrupt {
                // Something else in the run has found that it cannot go on: nothing more is done.
                self.performer.interrupt(&self.operation, why).await;
            }
        })
    }

    fn bind<'a>(&'a self, key: FactKey, ask: &'a Ask, value: Payload) -> BoxFuture<'a, Result<Option<Payload>, Ended>> {
        Box::pin(async move {
            let value = self.performer.settle(value).await;
            let bound = match self.record(&key, ask, value) {
                Ok(bound) => bound,
                Err(error) => match self.performer.broken(error).await {},
            };
            if !self.pure {
                // The body may act on it in a way that nobody sees.
                self.performer.barrier().await;
            }
            bound
        })
    }

    fn diverges(&self, expected: String, found: String) -> BoxFuture<'_, Infallible> {
        Box::pin(self.performer.divergence(&self.operation, self.at.clone(), self.site, expected, found))
    }

    fn now(&self) -> Timestamp {
        self.performer.told_now()
    }

    fn random<'a>(&'a self, bytes: &'a mut [u8]) -> BoxFuture<'a, ()> {
        Box::pin(self.performer.fill(bytes))
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.performer.core.platform.clock.sleep(time)
    }
}

impl fmt::Debug for Attempting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempting").field("run", &self.performer.run.id).field("at", &self.at).finish_non_exhaustive()
    }
}
