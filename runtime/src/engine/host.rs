//! The seam between the language and an engine.
//!
//! A body asks a [`Host`] for every durable operation. The embedded engine is
//! one host; nothing here says how or where it keeps its records.

use std::convert::Infallible;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::codec::{self, BlobError, Payload};
use crate::id::Position;
use crate::plan::WorkflowMeta;
use crate::platform::BoxFuture;
use crate::step::{ErasedStep, Site};

/// How a step or a nested saga ended, as recorded: an output or an error, both encoded.
pub(crate) type Recorded = Result<Payload, Payload>;

/// What a saga finds when it enters a scope.
#[derive(Debug)]
pub(crate) enum Entered {
    /// The body is to be run (or replayed).
    Body,
    /// The scope has ended before; the body is not run.
    Ended(Recorded),
}

/// Performs durable operations for one run.
///
/// A future of these methods that never completes is how a body is told to
/// stop: the driver, which knows why, drops the body.
pub(crate) trait Host: Send + Sync {
    /// Records and runs a step, attempts and all.
    fn step<'a>(&'a self, at: Position, site: Site, step: &'a mut dyn ErasedStep) -> BoxFuture<'a, Recorded>;

    /// Waits by the wall clock.
    fn sleep(&self, at: Position, site: Site, duration: Duration) -> BoxFuture<'_, ()>;

    /// Takes the next signal of a name.
    fn signal(&self, at: Position, site: Site, name: &'static str) -> BoxFuture<'_, Payload>;

    /// Enters the scope of a saga inside this run; `args` is a hash of its arguments.
    fn enter(&self, at: Position, site: Site, saga: &'static WorkflowMeta, args: u64) -> BoxFuture<'_, Entered>;

    /// Leaves a scope with what its body returned. With an error, everything
    /// the scope has done is undone first.
    fn leave(&self, at: Position, result: Recorded) -> BoxFuture<'_, Recorded>;

    /// Stops the body: what was recorded at `at` is not what the code expects.
    fn diverge(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible>;

    /// Stops the body: what was recorded at `at` is there, but its bytes cannot be had. Nothing is recorded.
    fn unreadable(&self, at: Position, error: BlobError) -> BoxFuture<'_, Infallible>;

    /// Stops the body: a value that the saga made cannot be recorded.
    fn unrecordable(&self, at: Position, site: Site, reason: String) -> BoxFuture<'_, Infallible>;
}

/// A recorded value as the type that the code expects; anything else is a divergence.
pub(crate) async fn value<T: DeserializeOwned>(host: &dyn Host, at: &Position, site: Site, value: &Payload) -> T {
    match codec::decode(value) {
        Ok(value) => value,
        Err(error) => match error.storage {
            Some(error) => match host.unreadable(at.clone(), error).await {},
            None => match host.diverge(at.clone(), site, error.to_string()).await {},
        },
    }
}

/// A recorded end as the types that the code expects.
pub(crate) async fn end<T, E>(host: &dyn Host, at: &Position, site: Site, recorded: Recorded) -> Result<T, E>
where
    T: DeserializeOwned,
    E: DeserializeOwned,
{
    match recorded {
        Ok(output) => Ok(value(host, at, site, &output).await),
        Err(error) => Err(value(host, at, site, &error).await),
    }
}
