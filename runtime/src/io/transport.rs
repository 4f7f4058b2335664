//! Ways to the world whose answers are facts.
//!
//! A [`Transport`] makes a call and says what its answers mean: which responses bind, and after which errors nobody knows
//! what happened. That they are facts, when they are on disk, and what a replay gets, is not its business.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::IdempotencyKey;
use crate::codec::{Blob, Recordable};
use crate::id::RunId;
use crate::storage::StorageError;
use crate::storage::arena::Arena;

/// How long a call may take by default.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// A way to the world whose answers are facts: [`Io::call`](super::Io::call) makes a call of it at most once for a step, as
/// far as anybody can know.
///
/// ```
/// use factum::{Call, Transport};
/// use serde::{Deserialize, Serialize};
///
/// /// Exchange rates of today.
/// struct FxRates;
///
/// #[derive(Serialize)]
/// struct RateRequest { from: String, to: String }
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Rate { per_mille: u64 }
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("no rate from {from} to {to}")]
/// struct NoRate { from: String, to: String }
///
/// impl Transport for FxRates {
///     const NAMESPACE: &'static str = "fx";
///     type Request = RateRequest;
///     type Response = Rate;
///     type Error = NoRate;
///
///     async fn call(&self, request: &RateRequest, _call: &Call) -> Result<Rate, NoRate> {
///         match (&*request.from, &*request.to) {
///             ("EUR", "USD") => Ok(Rate { per_mille: 1_080 }),
///             (from, to) => Err(NoRate { from: from.into(), to: to.into() }),
///         }
///     }
///
///     fn is_unknown(_error: &NoRate) -> bool {
///         false // nothing happens when a rate is looked up
///     }
/// }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// What its facts are called: `http` gives `call:http#0`. Recorded: another name is another fact.
    const NAMESPACE: &'static str;

    /// What is asked. Its canonical JSON, without what the engine's [`Redaction`](super::Redaction) hides, tells one request
    /// from another; what must never be recorded does not belong in it.
    type Request: Serialize + Send + Sync;

    /// What is answered.
    type Response: Recordable + fmt::Debug + Send;

    /// Why there is no answer.
    type Error: std::error::Error + Send;

    /// Makes the call.
    ///
    /// # Cancel safety
    /// The future is dropped when the step's attempt is, or when the call has taken too long. Nobody knows then what has
    /// happened, and the attempt ends unknown.
    fn call(
        &self,
        request: &Self::Request,
        call: &Call,
    ) -> impl Future<Output = Result<Self::Response, Self::Error>> + Send;

    /// Whether a response is the answer to the request, and a fact from now on. Every response is unless told otherwise; one
    /// that is none (`try again later`) becomes [`CallError::Unbound`](super::CallError::Unbound), and the next attempt calls
    /// again. It may depend on the transport's settings: what is bound stays bound when they change.
    fn binds(&self, response: &Self::Response) -> bool {
        let _ = response;
        true
    }

    /// Whether nobody knows what has happened after an error: the request may have been heard.
    fn is_unknown(error: &Self::Error) -> bool;

    /// Whether nobody knows what has happened after a response that does not bind. So it is unless told otherwise.
    fn is_unknown_response(response: &Self::Response) -> bool {
        let _ = response;
        true
    }

    /// What tells this request from others and does not stand in its JSON, because it must not be recorded or belongs to the
    /// transport: credentials, a root. Compared within an attempt, never recorded. Nothing unless told otherwise.
    ///
    /// Two requests that differ here must give different bytes: with several parts, put the length of each before it.
    /// Implement it if a request has parts that its JSON lacks: without it, of two such calls in one step the second, behind the
    /// failure of the first, is taken for the first once more, and gets its idempotency key.
    fn withheld(&self, request: &Self::Request) -> Vec<u8> {
        let _ = request;
        Vec::new()
    }

    /// How long a call of this request may take: [`CALL_TIMEOUT`] unless told otherwise. `None` for as long as it wants.
    fn timeout(&self, request: &Self::Request) -> Option<Duration> {
        let _ = request;
        Some(CALL_TIMEOUT)
    }
}

/// A call as its transport sees it: what belongs to it besides the request.
#[derive(Debug)]
pub struct Call {
    pub(super) key: IdempotencyKey,
    pub(super) run_id: RunId,
    pub(super) attempt: u32,
    pub(super) arena: Option<Arena>,
}

impl Call {
    /// The call's idempotency key: the same in every attempt of the step and after every crash, and in no other call, also
    /// not in another call of the same step. Made of the step's own, [`Io::key`](super::Io::key).
    #[must_use]
    pub fn key(&self) -> &IdempotencyKey {
        &self.key
    }

    /// The run that the step belongs to.
    #[must_use]
    pub fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// Which attempt of the step this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Puts bytes into the arena, as [`Io::put`](super::Io::put): what a response has in large holds the [`Blob`].
    ///
    /// # Errors
    /// As [`Io::put`](super::Io::put); [`StorageError::Closed`] for a [`Call::detached`].
    pub async fn put(&self, bytes: impl Into<Vec<u8>>) -> Result<Blob, StorageError> {
        let bytes: Vec<u8> = bytes.into();
        match &self.arena {
            Some(arena) => arena.put(Box::new(bytes), 0).await,
            None => Err(StorageError::Closed),
        }
    }

    /// A call of no run, to test a transport by itself. Its key is made of `name`.
    #[must_use]
    pub fn detached(name: &str) -> Call {
        let key = IdempotencyKey::of(&[b"factum detached call", name.as_bytes()]);
        Call { key, run_id: RunId::from("detached"), attempt: 1, arena: None }
    }
}

/// A transport that the engine has not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no transport `{namespace}` of this type is registered: add `.transport(..)` to the engine's builder")]
pub struct NoTransport {
    /// The namespace of the one that was wanted.
    pub namespace: &'static str,
}

/// For steps whose error is a text.
impl From<NoTransport> for String {
    fn from(error: NoTransport) -> String {
        error.to_string()
    }
}

/// The transports of an engine, by type.
#[derive(Default, Clone)]
pub(crate) struct Transports(HashMap<TypeId, (&'static str, Arc<dyn Any + Send + Sync>)>);

impl Transports {
    /// Adds one; the namespace, if there is one of that name already.
    pub(crate) fn add<T: Transport>(&mut self, transport: T) -> Result<(), &'static str> {
        if self.0.values().any(|(namespace, _)| *namespace == T::NAMESPACE) {
            return Err(T::NAMESPACE);
        }
        self.0.insert(TypeId::of::<T>(), (T::NAMESPACE, Arc::new(transport)));
        Ok(())
    }

    pub(crate) fn get<T: Transport>(&self) -> Result<&T, NoTransport> {
        let found = self.0.get(&TypeId::of::<T>()).and_then(|(_, transport)| transport.downcast_ref());
        found.ok_or(NoTransport { namespace: T::NAMESPACE })
    }
}

impl fmt::Debug for Transports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.values().map(|(namespace, _)| namespace)).finish()
    }
}
