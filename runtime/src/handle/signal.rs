//! Signals that have not been sent yet.

use std::fmt;
use std::future::IntoFuture;
use std::result;
use std::sync::Arc;
use std::time::SystemTime;

use super::link::Link;
use super::{Engine, Run, Running, StartRequest};
use crate::codec::{EncodeError, Payload};
use crate::engine::{Error, NewSignal, Result};
use crate::id::RunId;
use crate::ops::Signal;
use crate::plan::may_receive;
use crate::plan::{Plan, WorkflowSig};
use crate::platform::BoxFuture;

/// The most bytes of a sender's id.
const MAX_SENDER_ID: usize = 512;

/// A signal and its sender's id for it.
struct Message {
    name: &'static str,
    payload: result::Result<Payload, EncodeError>,
    sender: Option<String>,
}

impl Message {
    fn new<T: Signal>(signal: &T) -> Message {
        let payload = signal.record().map(|(json, _)| json);
        Message { name: T::NAME, payload, sender: None }
    }

    fn checked(self) -> Result<NewSignal> {
        let payload = self.payload.map_err(|source| Error::Unrecordable { what: "signal", source })?;
        // A run carries the last of them with it.
        if let Some(found) = self.sender.as_ref().map(String::len).filter(|found| *found > MAX_SENDER_ID) {
            return Err(Error::InvalidSenderId { found, limit: MAX_SENDER_ID });
        }
        Ok(NewSignal { name: self.name, payload, sender: self.sender })
    }
}

/// Does not compile for a signal that the workflow never waits for. What a nested saga waits
/// for is not known to the compiler: there the engine refuses it.
pub(super) const fn wanted<W: WorkflowSig, T: Signal>() {
    let may_receive = may_receive(W::PLAN, T::NAME);
    match W::PLAN {
        Plan::Machine(_) => assert!(
            may_receive,
            "no state of this machine accepts this signal: write `#[accepts(..)]` with its type on the state whose handler waits for it, or send another one"
        ),
        _ => assert!(
            may_receive,
            "the workflow never waits for this signal: await `signal::<..>()` of this type in its saga, or send another one"
        ),
    }
}

/// A signal that has not been sent yet: [`Engine::signal`], [`Run::signal`].
#[must_use = "a signal is sent only when this is awaited: add `.await`"]
pub struct SignalRequest {
    link: Arc<Link>,
    /// Kept until it is sent, unless a run's handle sends it.
    engine: Option<Engine>,
    id: String,
    message: Message,
}

impl SignalRequest {
    pub(super) fn new<T: Signal>(link: Arc<Link>, engine: Option<Engine>, id: &str, signal: &T) -> Self {
        SignalRequest { link, engine, id: id.to_owned(), message: Message::new(signal) }
    }

    /// The sender's own id for this signal, of at most 512 bytes. Sent again with the same id it is
    /// delivered once, within the run's last 1,024 signals that have one; after
    /// that it is another signal.
    pub fn sender_id(mut self, id: impl Into<String>) -> Self {
        self.message.sender = Some(id.into());
        self
    }

    async fn send(self) -> Result<()> {
        let NewSignal { name, payload, sender } = self.message.checked()?;
        let sent = self.link.core()?.signal(&self.id, name, payload, sender).await;
        drop(self.engine);
        sent
    }
}

impl IntoFuture for SignalRequest {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// A signal to a run that is started if need be, which has not been sent yet: [`Engine::signal_with_start`].
#[must_use = "a run is started and a signal sent only when this is awaited: add `.await`"]
pub struct SignalStartRequest<W> {
    start: StartRequest<W>,
    message: Message,
}

impl<W: WorkflowSig> SignalStartRequest<W> {
    pub(super) fn new<T: Signal>(start: StartRequest<W>, signal: &T) -> Self {
        SignalStartRequest { start, message: Message::new(signal) }
    }

    /// The run's id, of 1 to 512 bytes. Without one, the run is a new one each time.
    pub fn id(self, id: impl Into<RunId>) -> Self {
        SignalStartRequest { start: self.start.id(id), ..self }
    }

    /// The sender's own id for the signal, as [`SignalRequest::sender_id`].
    pub fn sender_id(mut self, id: impl Into<String>) -> Self {
        self.message.sender = Some(id.into());
        self
    }

    /// When a new run begins, as [`StartRequest::at`].
    pub fn at(self, moment: SystemTime) -> Self {
        SignalStartRequest { start: self.start.at(moment), ..self }
    }

    /// When a new run fails if it has not ended, as [`StartRequest::deadline`].
    pub fn deadline(self, moment: SystemTime) -> Self {
        SignalStartRequest { start: self.start.deadline(moment), ..self }
    }

    async fn send(self) -> Result<Run<W, Running>> {
        self.start.with(self.message.checked()?).await
    }
}

impl<W: WorkflowSig> IntoFuture for SignalStartRequest<W> {
    type Output = Result<Run<W, Running>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for SignalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = &self.message.name;
        f.debug_struct("SignalRequest").field("id", &self.id).field("signal", signal).finish_non_exhaustive()
    }
}

impl<W> fmt::Debug for SignalStartRequest<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = &self.message.name;
        f.debug_struct("SignalStartRequest").field("start", &self.start).field("signal", signal).finish_non_exhaustive()
    }
}
