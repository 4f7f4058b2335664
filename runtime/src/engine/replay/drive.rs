//! Polls a body, on the caller's own task, to where its records end.
//!
//! What must always hold: the replay ends when nothing in the body is at work any more: everything that it awaits goes
//! no further, or one operation has told why it all stops.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tracing::{Dispatch, Span};

use super::host::ReplayHost;
use super::{Awaited, ReplayError};
use crate::codec::Payload;
use crate::engine::live::Interrupt;
use crate::engine::past;
use crate::engine::registry::{BodyEnd, Entering, Misfit, Workflow};
use crate::id::Position;
use crate::io::{caught, panic_text};
use crate::platform::BoxFuture;
use crate::record::{Cause, Event};
use crate::run::Divergence;
use crate::step::Site;

/// Where a body has come to.
pub(super) enum Came {
    /// It returned a value.
    Done(Payload),
    /// It returned an error.
    Failed(Payload),
    /// It goes on in another state.
    Enters(Box<Entering>),
    /// It begins another turn.
    Again(Payload),
    /// It ended with something that no body is told of, or that cannot be recorded.
    Stopped(Cause),
    /// To where nothing more is recorded.
    Here(Vec<Awaited>),
}

/// Whether what the body says is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    Heard,
    Muted,
}

/// What a poll has come to.
enum Polled {
    Body(Result<BodyEnd, String>),
    Foreign,
    Interrupted(Interrupt),
    Stopped(ReplayError),
    Here(Vec<Awaited>),
}

/// Runs the body of a visit over its records.
///
/// # Errors
/// Where it does not fit, and what the host was stopped for.
pub(super) async fn replay(host: &ReplayHost, workflow: &Arc<dyn Workflow>, voice: Voice) -> Result<Came, ReplayError> {
    let (input, root, since) = {
        let state = &host.run().lock().state;
        (state.input.clone(), state.root(), state.since.clone())
    };
    let misfit = |expected: String, found: String| {
        host.diverged(past::misfit(root.clone(), workflow.meta(), expected, found)).map_or_else(unknown, Err)
    };
    let body = match workflow.body(Arc::new(host.clone()), &input, root.clone(), &since) {
        Ok(body) => body,
        Err(Misfit { expected, found }) => return misfit(expected, found),
    };
    let end = match watched(host, body, &root, voice).await {
        Polled::Stopped(why) => return Err(why),
        Polled::Foreign => return misfit(past::FOREIGN.0.to_owned(), past::FOREIGN.1.to_owned()),
        Polled::Interrupted(why) => return interrupted(host, why),
        Polled::Here(on) => return here(host, on),
        Polled::Body(end) => end,
    };
    let left = host.run().lock().left_behind(&root, end.is_err());
    if let Some((at, recorded)) = left {
        return misfit(format!("{recorded} at {at}"), "ends before it".to_owned());
    }
    Ok(match end {
        Ok(BodyEnd::Done(output)) => Came::Done(output),
        Ok(BodyEnd::Failed(error)) => Came::Failed(error),
        Ok(BodyEnd::Enters(entering)) => Came::Enters(entering),
        Ok(BodyEnd::Unrecordable(error)) => Came::Stopped(Cause::Unrecordable { message: error.to_string() }),
        Err(message) => Came::Stopped(Cause::Panicked { message }),
    })
}

fn unknown() -> Result<Came, ReplayError> {
    Err(ReplayError::Records { reason: "a divergence that is none".to_owned() })
}

fn interrupted(host: &ReplayHost, why: Interrupt) -> Result<Came, ReplayError> {
    match why {
        Interrupt::Park(event) => host.diverged(event).map_or_else(unknown, Err),
        Interrupt::Fail(cause) => Ok(Came::Stopped(cause)),
        Interrupt::Again { input } => Ok(Came::Again(input)),
        Interrupt::Engine(error) => Err(error.into()),
        Interrupt::Cancel | Interrupt::Pause | Interrupt::Shutdown | Interrupt::Asleep => Ok(Came::Here(Vec::new())),
    }
}

/// All of the body has come to where nothing is recorded: nothing may be recorded behind that.
fn here(host: &ReplayHost, on: Vec<Awaited>) -> Result<Came, ReplayError> {
    for Awaited { at, what, site, .. } in on.iter().filter(|awaited| !awaited.begun) {
        let site = site.unwrap_or(Site::new("", 0));
        if let Some(Interrupt::Park(event)) = host.run().beyond(at, site, || what.clone()) {
            return host.diverged(event).map_or_else(unknown, Err);
        }
    }
    Ok(Came::Here(on))
}

async fn watched(host: &ReplayHost, body: BoxFuture<'static, BodyEnd>, root: &Position, voice: Voice) -> Polled {
    let (run, span, muted) = (host.run(), Span::current(), Dispatch::none());
    let mut body = caught(body);
    let polled = poll_fn(|cx| {
        host.told().waker = Some(cx.waker().clone());
        let polled = match voice {
            Voice::Heard => span.in_scope(|| Pin::new(&mut body).poll(cx)),
            Voice::Muted => tracing::dispatcher::with_default(&muted, || Pin::new(&mut body).poll(cx)),
        };
        let mut told = host.told();
        if let Some(why) = told.stopped.take() {
            return Poll::Ready(Polled::Stopped(why));
        }
        let mut inner = run.lock();
        if let Some(why) = inner.interrupt.take() {
            return Poll::Ready(Polled::Interrupted(why));
        }
        match polled {
            Poll::Ready(end) => Poll::Ready(Polled::Body(end)),
            Poll::Pending if inner.awaited() == 0 => Poll::Ready(Polled::Foreign),
            Poll::Pending => {
                let parked = told.parked();
                // Otherwise a step's body is at work.
                let all = parked.len() == inner.awaited();
                if all { Poll::Ready(Polled::Here(parked.cloned().collect())) } else { Poll::Pending }
            }
        }
    })
    .await;
    // What the body holds may panic while it is dropped, as anywhere else in it.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(body))) {
        let message = host.how().outside.redaction.text(&panic_text(&*panic));
        tracing::warn!(%root, message, "a value of the body panicked while it was dropped");
    }
    polled
}

impl ReplayHost {
    /// A divergence as the replay's error, if the event is one; without secrets, as it would be recorded.
    fn diverged(&self, mut event: Event) -> Option<ReplayError> {
        let redaction = &self.how().outside.redaction;
        for text in event.texts_mut() {
            *text = redaction.text(text);
        }
        let Event::Diverged { at, expected, found, site } = event else { return None };
        let divergence = Box::new(Divergence { at, site, expected, found });
        Some(ReplayError::Diverged { id: self.run().id.clone(), divergence })
    }

    /// The replay goes no further, as the code does not match what is recorded at `at`.
    pub(super) fn stop_diverged(&self, at: Position, site: Site, expected: String, found: String) {
        let event = Event::Diverged { at, expected, found, site: site.to_string() };
        if let Some(why) = self.diverged(event) {
            self.stop(why);
        }
    }
}
