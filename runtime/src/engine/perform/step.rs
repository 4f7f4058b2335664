//! A step: attempts until one is an outcome.

use super::attempt::Judged;
use super::wait::known;
use super::{Interrupt, Performer};
use crate::engine::host::Recorded;
use crate::engine::status::WaitingOn;
use crate::id::Position;
use crate::record::{Cause, Event};
use crate::run::Entry;
use crate::step::{Effect, ErasedStep, Site, StepMeta};

/// What is recorded of a step that the body awaits.
enum Past {
    Ended(Result<crate::codec::Payload, Cause>),
    Open,
}

impl Performer {
    pub(super) async fn perform_step(&self, at: Position, site: Site, step: &mut dyn ErasedStep) -> Recorded {
        let meta = step.meta();
        let past = self
            .recall(
                &at,
                site,
                || format!("step `{}`", meta.name),
                |entry| match entry {
                    Entry::Step(known) if known.name == meta.name => Some(match &known.end {
                        Some(end) => Past::Ended(end.clone()),
                        None => Past::Open,
                    }),
                    _ => None,
                },
            )
            .await;
        if let Some(Past::Ended(end)) = past {
            return self.told(end).await;
        }
        self.go_live().await;
        if meta.undo.is_some() && !self.core.registry.step(meta.name).is_some_and(|known| known.site == meta.site) {
            // Nothing has happened yet, and nothing must: a rollback would not find the undo.
            let message = format!(
                "step `{}` can be undone, but no plan shows it: add `.step({})` to the engine's builder",
                meta.name, meta.name
            );
            match self.interrupt(Interrupt::Fail(Cause::NoUndo { message })).await {}
        }
        let undo_args = match step.undo_args() {
            Ok(args) => args,
            // Nothing has happened yet, and nothing must: this could not be undone.
            Err(error) => {
                let message = format!("an argument of step `{}` that its undo needs: {error}", meta.name);
                match self.interrupt(Interrupt::Fail(Cause::Unrecordable { message })).await {}
            }
        };
        loop {
            self.wait_for_retry(&at, site, meta).await;
            if let Err(error) = self.core.journal.room().await {
                self.interrupt(Interrupt::Engine(error.into())).await;
            }
            let suspect = self.is_suspect();
            let _alone = match suspect {
                true => {
                    self.record([]).await;
                    self.heeding(false, self.core.suspects.acquire()).await.ok()
                }
                false => None,
            };
            let attempt = self.begin(&at, meta, undo_args.as_ref()).await;
            if meta.effect != Effect::Pure || suspect || self.run.take_caution() {
                self.barrier().await;
            }
            let judged = self.attempt(&at, attempt, step).await;
            let end = self.conclude(&at, meta, judged).await;
            if suspect {
                self.record([]).await;
                self.barrier().await;
            }
            if let Some(end) = end {
                return self.told(end).await;
            }
        }
    }

    /// Gives the body a step's end, unless it is one that no body is told of.
    async fn told(&self, end: Result<crate::codec::Payload, Cause>) -> Recorded {
        match end {
            Ok(output) => Ok(output),
            Err(cause) => match cause.error() {
                Some(error) => Err(error.clone()),
                None => match self.interrupt(Interrupt::Fail(cause)).await {},
            },
        }
    }

    async fn wait_for_retry(&self, at: &Position, site: Site, meta: &'static StepMeta) {
        let retry_at = self.run.lock().state.step(at).and_then(|step| step.retry_at);
        match retry_at {
            Some(until) if until > self.core.now() => {
                let on = WaitingOn::Retry { step: meta.name, until: until.into() };
                self.wait_until(at, site, until, on, false).await;
            }
            _ => self.heed(false).await,
        }
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.run.lock().state.crashes >= self.core.limits.suspect
    }

    /// Records the next attempt, unless the run was cancelled in the meantime.
    async fn begin(&self, at: &Position, meta: &'static StepMeta, undo_args: Option<&crate::codec::Payload>) -> u32 {
        let begun = {
            let mut inner = self.run.lock();
            if inner.state.cancel_requested {
                Err(Interrupt::Cancel)
            } else {
                let attempt = inner.state.step(at).map_or(1, |step| step.attempts + 1);
                let event = Event::StepAttempted {
                    at: at.clone(),
                    step: known(meta.name),
                    attempt,
                    pivot: meta.pivot,
                    undo_done: meta.undo.is_some_and(|undo| undo.done),
                    undo_unknown: meta.undo.is_some_and(|undo| undo.unknown),
                    undo_args: undo_args.filter(|_| attempt == 1).cloned(),
                };
                inner
                    .record(&self.core.journal, self.run.number, self.core.now(), [event])
                    .map(|_| attempt)
                    .map_err(Interrupt::Engine)
            }
        };
        match begun {
            Ok(attempt) => attempt,
            Err(why) => match self.interrupt(why).await {},
        }
    }

    /// Records how an attempt ended. The step's end, if this is it.
    async fn conclude(
        &self,
        at: &Position,
        meta: &'static StepMeta,
        judged: Judged,
    ) -> Option<Result<crate::codec::Payload, Cause>> {
        let at = at.clone();
        let (cause, retryable, unknown) = match judged {
            Judged::Done(output) => {
                self.hold(Event::StepDone { at, output: output.clone() });
                return Some(Ok(output));
            }
            Judged::Failed { cause, retryable, unknown } => (cause, retryable, unknown),
        };
        if cause == Cause::Aborted {
            self.record([Event::AttemptFailed { at, cause, unknown, retry_at: None }]).await;
            match self.interrupt(Interrupt::Shutdown).await {}
        }
        let (failures, ever_unknown) = {
            let inner = self.run.lock();
            let step = inner.state.step(&at);
            (step.map_or(0, |s| s.failures) + 1, unknown || step.is_some_and(|s| s.unknown))
        };
        let retry_at = if retryable { self.next_attempt(&meta.retry, failures) } else { None };
        if retry_at.is_some() {
            self.record([Event::AttemptFailed { at, cause, unknown, retry_at }]).await;
            return None;
        }
        self.hold(Event::StepFailed { at, cause: cause.clone(), unknown });
        if meta.pivot && ever_unknown {
            // Whether the point of no return was passed is for a person to find out.
            self.record([Event::Stuck { cause: Some(cause) }]).await;
            match self.interrupt(Interrupt::Parked).await {}
        }
        Some(Err(cause))
    }
}
