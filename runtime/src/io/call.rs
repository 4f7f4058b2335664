//! Calls of transports, whose answers are facts.

use std::fmt;
use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ask::{Opened, cut};
use super::caught::{caught, panic_text};
use super::given::escaped;
use super::transport::{Call, Transport};
use super::{Io, IoCore};
use crate::codec::{EncodeError, Recordable};
use crate::platform::BoxFuture;

/// A call of a transport: awaited, it is made, unless its answer is known.
#[must_use = "a call is made only when it is awaited: add `.await`"]
pub struct Calling<'c, T: Transport> {
    core: &'c IoCore,
    transport: &'c T,
    request: T::Request,
    name: Option<&'c str>,
    timeout: Option<Option<Duration>>,
}

impl<App> Io<App> {
    /// Makes a call through a transport, and records its answer as a fact: bound once for the step, not for the attempt.
    /// Another attempt, after an error or after a crash, gets the recorded answer and calls nobody. What binds and what does
    /// not, the [`Transport`] says; an error binds nothing.
    ///
    /// ```
    /// # use factum::{Call, CallFailure, Io, Transport, step};
    /// # struct FxRates;
    /// # #[derive(Debug, thiserror::Error)] #[error("no rate")] struct NoRate;
    /// # impl Transport for FxRates {
    /// #     const NAMESPACE: &'static str = "fx";
    /// #     type Request = String;
    /// #     type Response = u64;
    /// #     type Error = NoRate;
    /// #     async fn call(&self, _: &String, _: &Call) -> Result<u64, NoRate> { Ok(1080) }
    /// #     fn is_unknown(_: &NoRate) -> bool { false }
    /// # }
    /// #[step(retry(attempts = 3))]
    /// async fn convert(io: &mut Io, cents: u64) -> Result<u64, CallFailure> {
    ///     let per_mille = io.call(&FxRates, "EUR/USD".to_owned()).await?;
    ///     Ok(cents * per_mille / 1000)
    /// }
    /// ```
    ///
    /// Everything that the run recorded before is on disk when the call is made, and the answer is when this returns. Calls
    /// of one transport in one step are told apart by their requests, and equal ones by their order; a call that asks for
    /// something else than it did when it was answered diverges, which shows both. Where several are under way at once, or one
    /// before it failed, nobody can tell that it is the same call: there another request is another call.
    ///
    /// An attempt that fails after a call of which nobody knows what it did ends unknown, whatever its error says.
    ///
    /// # Errors
    /// [`CallError`], when awaited.
    ///
    /// # Cancel safety
    /// Dropping the future drops the call: nobody knows what it did, and the attempt ends unknown if it fails.
    pub fn call<'c, T: Transport>(&'c self, transport: &'c T, request: T::Request) -> Calling<'c, T> {
        Calling { core: &self.core, transport, request, name: None, timeout: None }
    }
}

impl<'c, T: Transport> Calling<'c, T> {
    /// Gives the call a name of its own within the step, in place of its transport's namespace: for calls that are not made
    /// in every attempt, and to be found in a history.
    pub fn named(mut self, name: &'c str) -> Self {
        self.name = Some(name);
        self
    }

    /// How long the call may take, in place of what its transport says.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(Some(limit));
        self
    }

    async fn make(self) -> Result<T::Response, CallError<T>> {
        let Calling { core, transport, request, name, timeout } = self;
        let name = match name {
            Some(name) => format!("call:{}:{}", escaped(T::NAMESPACE), escaped(&core.redaction().text(name))),
            None => format!("call:{}", escaped(T::NAMESPACE)),
        };
        let wanted = core.ask(&name, &request, &transport.withheld(&request), true).map_err(CallError::Request)?;
        let place = match core.open(wanted).await.map_err(|_| CallError::Ended)? {
            Opened::Bound(key, value) => return Ok(core.read(&key, &value).await),
            Opened::Free(place) => place,
        };
        let call = Call {
            key: core.key().of_call(&place.ask),
            run_id: core.records.run_id().clone(),
            attempt: core.attempt,
            arena: core.records.shelf().arena(),
        };
        let limit = timeout.unwrap_or_else(|| transport.timeout(&request));
        let doubt = Doubt::new(core);
        let answer = answer(core, transport, &request, &call, limit).await;
        let answer = match answer {
            Ok(response) if transport.binds(&response) => match response.record() {
                Ok((json, decoded)) => place.bind(json, decoded).await.map_err(|_| CallError::Ended),
                Err(error) => Err(CallError::Response(error)),
            },
            Ok(response) => Err(CallError::Unbound(response)),
            Err(error) => Err(error),
        };
        if !answer.as_ref().is_err_and(CallError::is_unknown) {
            doubt.settle();
        }
        answer
    }
}

async fn answer<T: Transport>(
    core: &IoCore,
    transport: &T,
    request: &T::Request,
    call: &Call,
    limit: Option<Duration>,
) -> Result<T::Response, CallError<T>> {
    // A transport may panic before it gives its future, too.
    let made = catch_unwind(AssertUnwindSafe(|| transport.call(request, call)));
    let made = made.map_err(|panic| CallError::Panicked { message: panic_text(&*panic) })?;
    let timed_out = async {
        match limit {
            Some(limit) => core.records.sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        answer = caught(Box::pin(made)) => match answer {
            Ok(answer) => answer.map_err(CallError::Transport),
            Err(message) => Err(CallError::Panicked { message }),
        },
        () = timed_out => Err(CallError::TimedOut { after: limit.unwrap_or_default() }),
    }
}

/// Nobody knows what a call does, until it is settled.
struct Doubt<'c> {
    core: &'c IoCore,
    settled: bool,
}

impl<'c> Doubt<'c> {
    fn new(core: &'c IoCore) -> Self {
        core.calling.fetch_add(1, Ordering::AcqRel);
        Doubt { core, settled: false }
    }

    fn settle(mut self) {
        self.settled = true;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.core.unknown.store(true, Ordering::Release);
        }
        self.core.calling.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<'c, T: Transport> IntoFuture for Calling<'c, T> {
    type Output = Result<T::Response, CallError<T>>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

impl<T: Transport> fmt::Debug for Calling<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calling").field("transport", &T::NAMESPACE).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A call that bound nothing.
#[non_exhaustive]
pub enum CallError<T: Transport> {
    /// The transport has no answer.
    Transport(T::Error),
    /// The response does not bind: the transport says that it is no answer yet.
    Unbound(T::Response),
    /// There was no answer in time.
    TimedOut {
        /// How long the call was given.
        after: Duration,
    },
    /// The transport panicked.
    Panicked {
        /// What it said.
        message: String,
    },
    /// The request is none that JSON can hold. Nobody was called.
    Request(EncodeError),
    /// The response cannot be recorded: JSON cannot hold it, or it does not come back from it.
    Response(EncodeError),
    /// The step has ended, and this attempt has outlived it.
    Ended,
}

impl<T: Transport> CallError<T> {
    /// Whether nobody knows what the call did.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            CallError::Transport(error) => T::is_unknown(error),
            CallError::Unbound(response) => T::is_unknown_response(response),
            CallError::TimedOut { .. } | CallError::Panicked { .. } | CallError::Response(_) | CallError::Ended => true,
            CallError::Request(_) => false,
        }
    }
}

impl<T: Transport> fmt::Display for CallError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = T::NAMESPACE;
        match self {
            CallError::Transport(error) => write!(f, "`{transport}`: {error}"),
            CallError::Unbound(response) => {
                write!(f, "`{transport}` gave a response that is no answer yet: {}", cut(format!("{response:?}")))
            }
            CallError::TimedOut { after } => write!(f, "`{transport}` did not answer within {after:?}"),
            CallError::Panicked { message } => write!(f, "`{transport}` panicked: {message}"),
            CallError::Request(error) => write!(f, "a request of `{transport}` that cannot be recorded: {error}"),
            CallError::Response(error) => write!(f, "a response of `{transport}` that cannot be recorded: {error}"),
            CallError::Ended => write!(f, "`{transport}` was called by an attempt of a step that has ended"),
        }
    }
}

impl<T: Transport> fmt::Debug for CallError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallError({self})")
    }
}

impl<T: Transport> std::error::Error for CallError<T> {}

/// A [`CallError`] as a step can return it: in words, and recordable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
#[non_exhaustive]
pub struct CallFailure {
    /// The transport's namespace.
    pub transport: String,
    /// What went wrong.
    pub message: String,
    /// Nobody knows what the call did.
    pub unknown: bool,
}

impl<T: Transport> From<CallError<T>> for CallFailure {
    fn from(error: CallError<T>) -> CallFailure {
        let (message, unknown) = (error.to_string(), error.is_unknown());
        CallFailure { transport: T::NAMESPACE.to_owned(), message, unknown }
    }
}

/// For steps whose error is a text.
impl<T: Transport> From<CallError<T>> for String {
    fn from(error: CallError<T>) -> String {
        error.to_string()
    }
}
