//! The recorded facts of one step, as its body is given them in a replay.
//!
//! What must always hold: what is bound is given, and nothing else: a call whose fact is missing is told before its
//! transport is called, and before a fact's closure is run.

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use super::MissingFact;
use super::host::ReplayHost;
use crate::codec::{ArtifactId, Blob, Payload};
use crate::id::{Position, RunId};
use crate::io::{Ask, Chosen, Ended, IdempotencyKey, Records, Redaction, Shelf, Transports};
use crate::platform::BoxFuture;
use crate::record::FactKey;
use crate::run::{Choice, Facts, Used};
use crate::step::StepMeta;
use crate::storage::StorageError;
use crate::time::Timestamp;

/// The recorded facts of one step.
pub(super) struct ReplayIo {
    host: ReplayHost,
    at: Position,
    step: &'static StepMeta,
    reached: Mutex<Reached>,
}

#[derive(Default)]
struct Reached {
    missing: Option<MissingFact>,
    /// Who polls the body.
    waker: Option<Waker>,
}

impl ReplayIo {
    pub(super) fn new(host: ReplayHost, at: Position, step: &'static StepMeta) -> ReplayIo {
        ReplayIo { host, at, step, reached: Mutex::default() }
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever polls is woken when the body, in whatever task, comes to a fact that is missing.
    pub(super) fn listen(&self, cx: &Context<'_>) {
        self.reached().waker = Some(cx.waker().clone());
    }

    /// The fact of which nothing is recorded, if the body has come to one.
    pub(super) fn missing(&self) -> Option<MissingFact> {
        self.reached().missing.clone()
    }
}

impl Records for ReplayIo {
    fn key(&self) -> IdempotencyKey {
        self.host.run().key(&self.at)
    }

    fn run_id(&self) -> &RunId {
        &self.host.run().id
    }

    fn shelf(&self) -> &Shelf {
        &self.host.how().shelf
    }

    fn transports(&self) -> &Transports {
        &self.host.how().outside.transports
    }

    fn redaction(&self) -> &Redaction {
        &self.host.how().outside.redaction
    }

    fn artifact(&self, _: ArtifactId, _: Blob) -> Result<(), StorageError> {
        Ok(())
    }

    fn choose(&self, ask: &Ask, used: &Used, again: Option<u32>) -> Result<Chosen, Ended> {
        let none = Facts::default();
        let facts = self.host.facts(&self.at).unwrap_or(&none);
        Ok(match facts.choose(ask.asked(), used, again) {
            Choice::Bound(ordinal, fact) => {
                self.host.told().facts += 1;
                Chosen::Bound(ordinal, fact.value.clone())
            }
            Choice::Free(ordinal) => Chosen::Free(ordinal),
            Choice::Changed(ordinal, fact) => {
                Chosen::Changed { ordinal, request: fact.request, asked: fact.asked.to_string() }
            }
        })
    }

    fn begin<'a>(&'a self, key: &'a FactKey, ask: &'a Ask) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let waker = {
                let mut reached = self.reached();
                reached.missing.get_or_insert_with(|| MissingFact {
                    fact: key.clone(),
                    step: self.step.name.to_owned(),
                    at: self.at.clone(),
                    asked: ask.asked.clone(),
                });
                reached.waker.take()
            };
            waker.into_iter().for_each(Waker::wake);
            pending().await
        })
    }

    fn bind<'a>(&'a self, _: FactKey, _: &'a Ask, _: Payload) -> BoxFuture<'a, Result<Option<Payload>, Ended>> {
        // Nothing is made that could be bound.
        Box::pin(async { Err(Ended) })
    }

    fn diverges(&self, expected: String, found: String) -> BoxFuture<'_, Infallible> {
        Box::pin(async move {
            self.host.stop_diverged(self.at.clone(), self.step.site, expected, found);
            pending().await
        })
    }

    fn now(&self) -> Timestamp {
        self.host.run().lock().state.last
    }

    fn random<'a>(&'a self, _: &'a mut [u8]) -> BoxFuture<'a, ()> {
        Box::pin(pending())
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(pending())
    }
}

impl fmt::Debug for ReplayIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayIo").field("step", &self.step.name).field("at", &self.at).finish_non_exhaustive()
    }
}
