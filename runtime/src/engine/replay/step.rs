//! A step's body, run over the facts that were recorded of it.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use tracing::Instrument;

use super::host::ReplayHost;
use super::io::ReplayIo;
use super::judge::{caused, same, shown};
use super::{MissingFact, ReplayError};
use crate::codec::Payload;
use crate::engine::host::Recorded;
use crate::id::Position;
use crate::io::{IoCore, Redaction, caught, panic_text};
use crate::record::Cause;
use crate::step::{AttemptEnd, ErasedStep};

/// Where the body of a step has come to.
enum Ran {
    Ended(Result<Payload, Cause>),
    /// To a fact of which nothing is recorded.
    Missing(MissingFact),
}

impl ReplayHost {
    /// Runs the body of a step that has ended, and compares what it gives. An end that is not its body's own is not
    /// compared: an attempt that took too long, or was cut short.
    pub(super) async fn run_ended(&self, at: &Position, step: &mut dyn ErasedStep, end: &Result<Payload, Cause>) {
        let name = step.meta().name;
        let of = || format!("step `{name}` at {at}");
        match (self.run_body(at, step).await, end) {
            (Ran::Ended(Ok(found)), Ok(recorded)) => self.gives(of(), &Ok(recorded.clone()), &Ok(found)).await,
            (Ran::Ended(Err(Cause::Error { error: found })), Err(Cause::Error { error })) => {
                self.gives(of(), &Err(error.clone()), &Err(found)).await;
            }
            (Ran::Ended(Err(Cause::Panicked { .. })), Err(Cause::Panicked { .. })) => {}
            (Ran::Ended(found), Ok(_) | Err(Cause::Error { .. } | Cause::Panicked { .. })) => {
                let ended = |end| ended(end, &self.how().outside.redaction);
                self.other(of(), ended(end), ended(&found)).await;
            }
            (Ran::Ended(_), Err(_)) => {}
            (Ran::Missing(missing), Ok(_)) => {
                self.stop(ReplayError::MissingFact { id: self.run().id.clone(), missing: Box::new(missing) });
                std::future::pending().await
            }
            (Ran::Missing(missing), Err(_)) => self.told().unfinished.push(missing),
        }
    }

    /// Runs the body of a step that has not ended. What the run waits for then.
    pub(super) async fn run_open(&self, at: &Position, step: &mut dyn ErasedStep) -> String {
        let name = step.meta().name;
        match self.run_body(at, step).await {
            Ran::Ended(_) => format!("the end of step `{name}`"),
            Ran::Missing(missing) => format!("fact `{}` of step `{name}`", missing.fact),
        }
    }

    async fn run_body(&self, at: &Position, step: &mut dyn ErasedStep) -> Ran {
        let (meta, run) = (step.meta(), self.run());
        let attempt = run.lock().state.step(at).map_or(1, |step| step.attempts);
        self.told().steps += 1;
        let io = IoCore::new(ReplayIo::new(self.clone(), at.clone(), meta), attempt);
        let core = io.clone();
        let span = tracing::info_span!("step", run_id = %run.id, step = meta.name, attempt);
        // A body may panic before it gives its future, too.
        let body = match catch_unwind(AssertUnwindSafe(|| step.attempt(io))) {
            Ok(Some(body)) => body,
            Ok(None) => {
                let message = "the step's arguments are used up".to_owned();
                return Ran::Ended(Err(Cause::Unrecordable { message }));
            }
            Err(panic) => return Ran::Ended(self.judged(Err(panic_text(&*panic)))),
        };
        let mut body = caught(Box::pin(body.instrument(span)));
        poll_fn(|cx| {
            core.records.listen(cx);
            let polled = Pin::new(&mut body).poll(cx);
            match (core.records.missing(), polled) {
                (Some(missing), _) => Poll::Ready(Ran::Missing(missing)),
                (None, Poll::Ready(end)) => Poll::Ready(Ran::Ended(self.judged(end))),
                (None, Poll::Pending) => Poll::Pending,
            }
        })
        .await
    }

    fn judged(&self, end: Result<AttemptEnd, String>) -> Result<Payload, Cause> {
        match end {
            Ok(AttemptEnd::Done(output)) => Ok(output),
            // The step has hidden what is secret in it.
            Ok(AttemptEnd::Failed(failed)) => Err(Cause::Error { error: failed.error }),
            Ok(AttemptEnd::Unrecordable(error)) => {
                Err(Cause::Unrecordable { message: self.hidden(&error.to_string()) })
            }
            Err(message) => Err(Cause::Panicked { message: self.hidden(&message) }),
        }
    }

    /// What is said of why something failed, as it would be recorded.
    fn hidden(&self, text: &str) -> String {
        self.how().outside.redaction.text(text)
    }

    /// Goes on if a body gives what is recorded, and stops the replay otherwise. Errors come without secrets, as they
    /// are recorded: what is hidden twice may be another text.
    pub(super) async fn gives(&self, of: String, recorded: &Recorded, found: &Recorded) {
        let is_same = match (recorded, found) {
            (Ok(recorded), Ok(found)) | (Err(recorded), Err(found)) => same(recorded, found),
            _ => false,
        };
        if !is_same {
            let result = |result| ended(result, &self.how().outside.redaction);
            let error = |recorded: &Recorded| recorded.clone().map_err(|error| Cause::Error { error });
            self.other(of, result(&error(recorded)), result(&error(found))).await;
        }
    }

    async fn other(&self, of: String, expected: String, found: String) {
        self.stop(ReplayError::OtherOutput { id: self.run().id.clone(), of, expected, found });
        std::future::pending().await
    }
}

/// How it ended, without secrets.
fn ended(end: &Result<Payload, Cause>, redaction: &Redaction) -> String {
    match end {
        Ok(output) => shown(output, redaction),
        Err(cause) => caused(cause, redaction),
    }
}
