//! One attempt of a step's body.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tracing::Instrument;

use super::facts::Attempting;
use super::{Interrupt, Performer};
use crate::codec::Payload;
use crate::id::Position;
use crate::io::{Caught, IoCore, panic_text};
use crate::record::Cause;
use crate::run::RetryPolicy;
use crate::step::{AttemptEnd, CancelMode, Effect, ErasedStep, StepMeta, TimedOut};
use crate::time::Timestamp;

/// How an attempt ended, judged.
pub(super) enum Judged {
    /// It succeeded.
    Done(Payload),
    /// It did not.
    Failed {
        cause: Cause,
        /// Another attempt may do better.
        retryable: bool,
        /// Nobody knows what it did.
        unknown: bool,
    },
}

impl Performer {
    /// Runs a step's body once, for the operation that the run waits for. A shielded one, which undoes, is not cancelled.
    pub(super) async fn attempt(
        &self,
        operation: &Position,
        at: &Position,
        attempt: u32,
        step: &mut dyn ErasedStep,
        shielded: bool,
    ) -> Judged {
        let meta = step.meta();
        let records = Attempting {
            performer: self.clone(),
            operation: operation.clone(),
            at: at.clone(),
            site: meta.site,
            pure: meta.effect == Effect::Pure,
        };
        let core = IoCore::new(records, attempt);
        let io = core.clone();
        let workflow = &self.run.workflow;
        let span = tracing::info_span!("step", run_id = %self.run.id, %workflow, step = meta.name, attempt);
        let end = {
            // A body may panic before it gives its future, too.
            // Then nothing has been done, and the next attempt would be no better.
            let known = |cause| Judged::Failed { cause, retryable: false, unknown: false };
            let body = match catch_unwind(AssertUnwindSafe(|| step.attempt(io))) {
                Ok(Some(body)) => body,
                Ok(None) => {
                    let message = "the step's arguments are used up".to_owned();
                    return known(Cause::Unrecordable { message });
                }
                Err(panic) => {
                    let message = self.core.outside.redaction.text(&panic_text(&*panic));
                    tracing::warn!(parent: &span, message, "the step's arguments panicked");
                    return known(Cause::Panicked { message });
                }
            };
            let mut body = body.instrument(span.clone());
            let mut body = Caught {
                body: poll_fn(|cx| {
                    let _in_step = self.run.in_step(meta);
                    Pin::new(&mut body).poll(cx)
                }),
            };
            match poll_once(Pin::new(&mut body)).await {
                Some(end) => Left::Ended(end),
                None => Box::pin(self.ended_or_left(at, meta, body, shielded)).await,
            }
        };
        let end = match end {
            Left::Ended(end) => Some(end),
            Left::TimedOut => None,
            Left::Aborted => return Judged::Failed { cause: Cause::Aborted, retryable: true, unknown: true },
            Left::Cancelled => return Judged::Failed { cause: Cause::Cancelled, retryable: false, unknown: true },
        };
        let redaction = &self.core.outside.redaction;
        let mut judged = match (end, meta.timeout) {
            (Some(Ok(end)), _) => judge(end, core.is_unknown()),
            (Some(Err(message)), _) => panicked(message),
            (None, after) => {
                timed_out(judge(step.timed_out(TimedOut::new(after.unwrap_or_default()), redaction), true))
            }
        };
        if let Judged::Failed { cause, .. } = &mut judged {
            if let Some(text) = cause.text_mut() {
                *text = redaction.text(text);
            }
            tracing::warn!(parent: &span, %cause, "attempt failed");
        }
        judged
    }

    /// How a body ends that was polled a moment ago, for this task and in this poll, or why it does not.
    async fn ended_or_left<T>(
        &self,
        at: &Position,
        meta: &StepMeta,
        mut body: impl Future<Output = T> + Unpin,
        shielded: bool,
    ) -> Left<T> {
        let mut after = pin!(self.after(meta.timeout));
        let mut aborting = pin!(self.core.stop.aborting());
        let mut aborted = pin!(self.aborted(at, meta.cancel, shielded));
        // Not `select!`, which may poll nobody at first: then the body's turn would be missed.
        let mut polled = true;
        poll_fn(|cx| {
            if !std::mem::take(&mut polled)
                && let Poll::Ready(end) = Pin::new(&mut body).poll(cx)
            {
                return Poll::Ready(Left::Ended(end));
            }
            if after.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Left::TimedOut);
            }
            if aborting.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Left::Aborted);
            }
            aborted.as_mut().poll(cx).map(|()| Left::Cancelled)
        })
        .await
    }

    /// Completes when an attempt of a step that is dropped by a cancel is to be dropped.
    async fn aborted(&self, at: &Position, cancel: CancelMode, shielded: bool) {
        if shielded || cancel == CancelMode::Finish {
            return std::future::pending().await;
        }
        loop {
            let changed = self.run.changed.notified();
            let halted = self.halted(&self.run.lock(), at, false);
            // A shutdown and a pause wait for attempts.
            if halted.is_some_and(|why| matches!(why, Interrupt::Cancel | Interrupt::Fail(_))) {
                return;
            }
            changed.await;
        }
    }

    async fn after(&self, timeout: Option<Duration>) {
        match timeout {
            Some(timeout) => self.core.platform.clock.sleep(timeout).await,
            None => std::future::pending().await,
        }
    }

    /// When the next attempt begins, if the policy allows one.
    pub(super) fn next_attempt(&self, policy: &RetryPolicy, failures: u32) -> Option<Timestamp> {
        if failures >= policy.attempts {
            return None;
        }
        let mut bytes = [0; 8];
        // Without chance the wait is the nominal one.
        let chance = match self.core.platform.entropy.fill(&mut bytes) {
            Ok(()) => (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64,
            Err(_) => 0.5,
        };
        Some(self.core.now().after(policy.backoff(failures, chance)))
    }
}

/// How an attempt's body was left.
enum Left<T> {
    Ended(T),
    TimedOut,
    /// The engine does not wait for it any more.
    Aborted,
    Cancelled,
}

/// What a future gives at once, if it does.
pub(super) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// What an attempt's end says of it; `unknown` if nobody knows anyway what it did.
fn judge(end: AttemptEnd, unknown: bool) -> Judged {
    match end {
        AttemptEnd::Done(output) => Judged::Done(output),
        AttemptEnd::Failed(failed) => Judged::Failed {
            cause: Cause::Error { error: failed.error },
            retryable: failed.retryable,
            unknown: failed.unknown || unknown,
        },
        AttemptEnd::Unrecordable(error) => Judged::Failed {
            cause: Cause::Unrecordable { message: error.to_string() },
            retryable: false,
            unknown: true,
        },
    }
}

fn timed_out(judged: Judged) -> Judged {
    match judged {
        Judged::Failed { cause: Cause::Error { error }, retryable, unknown } => {
            Judged::Failed { cause: Cause::TimedOut { error }, retryable, unknown }
        }
        judged => judged,
    }
}

fn panicked(message: String) -> Judged {
    Judged::Failed { cause: Cause::Panicked { message }, retryable: true, unknown: true }
}
