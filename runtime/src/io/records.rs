//! What an attempt asks of whoever keeps its records: an engine, or a replay.
//!
//! A future of [`Records`] that never completes is how an attempt is told to
//! stop: whoever keeps the records knows why, and drops the body. So nothing
//! of an engine that fails, a run that diverges or a replay that lacks a fact
//! appears in a user's types.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use super::{IdempotencyKey, Redaction, Shelf, Transports};
use crate::codec::{ArtifactId, Blob, Payload};
use crate::id::RunId;
use crate::platform::BoxFuture;
use crate::record::{FactKey, RequestDigest};
use crate::run::{Asked, Used};
use crate::storage::StorageError;
use crate::time::Timestamp;

/// What is asked for a fact.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The fact's name, with the keys of the facts around it.
    pub(crate) name: Box<str>,
    /// The digest of the whole request, without secrets.
    pub(crate) request: RequestDigest,
    /// Which of that name with this request, from 0, in the order in which the attempt asks.
    pub(crate) nth: u32,
    /// No other fact is being made meanwhile, but for those around it.
    pub(crate) alone: bool,
    /// The request as it is shown, without secrets.
    pub(crate) asked: String,
    /// It acts on the world: everything recorded before is to be durable.
    pub(crate) effect: bool,
}

impl Ask {
    /// What of it says which fact it is.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked { name: &self.name, request: self.request, nth: self.nth, alone: self.alone }
    }

    /// The key with an ordinal.
    pub(crate) fn key(&self, ordinal: u32) -> FactKey {
        FactKey { name: self.name.clone(), ordinal }
    }
}

/// What a call comes to that asks for a fact.
#[derive(Debug)]
pub(crate) enum Chosen {
    /// It is bound.
    Bound(u32, Payload),
    /// It is to be made.
    Free(u32),
    /// Something else was asked before in its place.
    Changed { ordinal: u32, request: RequestDigest, asked: String },
}

/// The step has ended: an attempt that outlived it binds nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended;

/// Where a step's attempt has things recorded.
pub(crate) trait Records: Send + Sync + fmt::Debug {
    /// The step's idempotency key.
    fn key(&self) -> IdempotencyKey;

    /// The run that the step belongs to.
    fn run_id(&self) -> &RunId;

    /// Where the step's bytes go.
    fn shelf(&self) -> &Shelf;

    /// The engine's transports.
    fn transports(&self) -> &Transports;

    /// What is hidden in errors and requests.
    fn redaction(&self) -> &Redaction;

    /// The run names an artifact from now on.
    fn artifact(&self, artifact: ArtifactId, blob: Blob) -> Result<(), StorageError>;

    /// What is bound for a request; `used` are the ordinals of its name that this attempt has given away, `again` the one where
    /// the same request failed before.
    fn choose(&self, ask: &Ask, used: &Used, again: Option<u32>) -> Result<Chosen, Ended>;

    /// A fact is about to be made. Completes when that may begin.
    fn begin<'a>(&'a self, key: &'a FactKey, ask: &'a Ask) -> BoxFuture<'a, ()>;

    /// Binds a value. Completes when it is durable, where that is to be waited for. What was bound there first, if
    /// another attempt of the step was faster.
    fn bind<'a>(&'a self, key: FactKey, ask: &'a Ask, value: Payload) -> BoxFuture<'a, Result<Option<Payload>, Ended>>;

    /// The code does not match what is recorded.
    fn diverges(&self, expected: String, found: String) -> BoxFuture<'_, Infallible>;

    /// The wall clock, and no moment before one that the run was told.
    fn now(&self) -> Timestamp;

    /// Fills bytes by chance.
    fn random<'a>(&'a self, bytes: &'a mut [u8]) -> BoxFuture<'a, ()>;

    /// Completes after so long, by a clock that no one sets.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
}
