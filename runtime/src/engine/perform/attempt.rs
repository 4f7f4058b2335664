//! One attempt of a step's body.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tracing::Instrument;

use super::{Error, Interrupt, Performer};
use crate::id::Position;
use crate::io::{IdempotencyKey, IoCore, Records};
use crate::platform::BoxFuture;
use crate::record::{Cause, Event};
use crate::run::RetryPolicy;
use crate::step::{AttemptEnd, CancelMode, ErasedStep, TimedOut};
use crate::storage::StorageError;
use crate::time::Timestamp;

use crate::codec::{ArtifactId, Blob, Payload};

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
    /// Runs a step's body once. A shielded one, which undoes, is not cancelled.
    pub(super) async fn attempt(
        &self,
        at: &Position,
        attempt: u32,
        step: &mut dyn ErasedStep,
        shielded: bool,
    ) -> Judged {
        let meta = step.meta();
        let (key, workflow) = {
            let inner = self.run.lock();
            let start = &inner.state.start;
            let redone = inner.state.redone(at);
            (IdempotencyKey::new(&start.origin, start.origin_run, at, redone), start.workflow.clone())
        };
        let io = Arc::new(IoCore {
            records: Arc::new(self.clone()),
            key,
            attempt,
            run_id: self.run.id.clone(),
            arena: self.core.checkpoint.arena.clone(),
        });
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
                    let message = panic_text(&*panic);
                    tracing::warn!(parent: &span, message, "the step's arguments panicked");
                    return known(Cause::Panicked { message });
                }
            };
            let mut body = body.instrument(span.clone());
            let body = poll_fn(|cx| {
                let _in_step = self.run.in_step(meta);
                Pin::new(&mut body).poll(cx)
            });
            let body = Caught { body };
            tokio::select! {
                biased;
                end = body => Some(end),
                () = self.after(meta.timeout) => None,
                () = self.core.stop.aborting() => {
                    return Judged::Failed { cause: Cause::Aborted, retryable: true, unknown: true };
                }
                () = self.aborted(at, meta.cancel, shielded) => {
                    return Judged::Failed { cause: Cause::Cancelled, retryable: false, unknown: true };
                }
            }
        };
        let judged = match (end, meta.timeout) {
            (Some(Ok(end)), _) => judge(end, false),
            (Some(Err(message)), _) => panicked(message),
            (None, after) => judge(step.timed_out(TimedOut::new(after.unwrap_or_default())), true),
        };
        if let Judged::Failed { cause, .. } = &judged {
            tracing::warn!(parent: &span, %cause, "attempt failed");
        }
        judged
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

impl Records for Performer {
    fn artifact(&self, artifact: ArtifactId, blob: Blob) -> Result<(), StorageError> {
        let event = Event::ArtifactPut { artifact, bytes: Payload::in_arena(blob.into()) };
        let recorded = self.run.lock().record(&self.core.journal, self.run.number, self.core.now(), [event]);
        match recorded {
            Ok(_) => Ok(()),
            Err(Error::Storage(error)) => Err(error),
            // The run is not here any more: neither is who asked.
            Err(_) => Err(StorageError::Closed),
        }
    }
}

impl fmt::Debug for Performer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Performer").field("run", &self.run.id).finish_non_exhaustive()
    }
}

fn judge(end: AttemptEnd, timed_out: bool) -> Judged {
    match end {
        AttemptEnd::Done(output) => Judged::Done(output),
        AttemptEnd::Failed(failed) => Judged::Failed {
            cause: match timed_out {
                true => Cause::TimedOut { error: failed.error },
                false => Cause::Error { error: failed.error },
            },
            retryable: failed.retryable,
            unknown: failed.unknown || timed_out,
        },
        AttemptEnd::Unrecordable(error) => Judged::Failed {
            cause: Cause::Unrecordable { message: error.to_string() },
            retryable: false,
            unknown: true,
        },
    }
}

fn panicked(message: String) -> Judged {
    Judged::Failed { cause: Cause::Panicked { message }, retryable: true, unknown: true }
}

/// A future whose panics are values.
pub(crate) struct Caught<F> {
    pub(crate) body: F,
}

impl<F: Future + Unpin> Future for Caught<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.body).poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_text(&*panic))),
        }
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

/// A boxed future whose panics are values.
pub(crate) fn caught<T>(body: BoxFuture<'_, T>) -> Caught<BoxFuture<'_, T>> {
    Caught { body }
}
