//! A step: attempts until one is an outcome.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};

use tokio::sync::SemaphorePermit;

use super::attempt::{Judged, poll_once};
use super::wait::known;
use super::{Interrupt, Performer};
use crate::codec::Payload;
use crate::engine::Error;
use crate::engine::host::Recorded;
use crate::engine::live::{InFlight, Inner};
use crate::engine::past::{StepPast, awaits};
use crate::engine::status::WaitingOn;
use crate::id::Position;
use crate::journal::{LogWait, SharedLog};
use crate::record::{Cause, Event};
use crate::step::{Effect, ErasedStep, Site, StepMeta};

/// What an attempt waits for, if it does.
type Begun<'j> = Result<Option<LogWait<&'j SharedLog>>, Error>;

impl Performer {
    pub(super) async fn perform_step(&self, at: Position, site: Site, step: &mut dyn ErasedStep) -> Recorded {
        let begun = poll_fn(|cx| Poll::Ready(self.begin_at_once(&at, site, step, cx.waker()))).await;
        let Some((operation, begun)) = begun else {
            let _operation = self.run.operation(at.clone(), Some(site));
            return Box::pin(self.perform_with_care(at, site, step)).await;
        };
        self.wait_for_begun(begun).await;
        match self.attempt(&at, &at, 1, step, false).await {
            // What most steps come to: neither does anything wait, nor is there anything to decide.
            Judged::Done(output) if output.is_small() => {
                self.end_at_once(operation, &at, output.clone());
                Ok(output)
            }
            judged => Box::pin(self.go_on_with_care(&at, site, step, judged)).await,
        }
    }

    /// As [`perform_with_care`](Self::perform_with_care), behind the first attempt.
    async fn go_on_with_care(&self, at: &Position, site: Site, step: &mut dyn ErasedStep, judged: Judged) -> Recorded {
        let end = match self.conclude(at, site, step.meta(), judged).await {
            Some(end) => end,
            None => {
                let args = self.run.lock().state.step(at).map_or(0, |step| step.args);
                self.attempts(at, site, step, args, None).await
            }
        };
        self.run.told(at, end).await
    }

    /// Records the first attempt of a step, under one lock, unless there is anything to see to before: then
    /// [`perform_with_care`](Self::perform_with_care) does.
    fn begin_at_once(
        &self,
        at: &Position,
        site: Site,
        step: &mut dyn ErasedStep,
        waker: &Waker,
    ) -> Option<(InFlight<'_>, Begun<'_>)> {
        let meta = step.meta();
        if meta.rate.is_some() || self.has_unknown_undo(meta) || !self.core.journal.has_room() {
            return None;
        }
        if self.run.lock().replaying {
            return None;
        }
        // What cannot be encoded comes to light again.
        let args = step.hash_args().ok()?;
        let undo_args = step.undo_args().ok()?;
        if undo_args.as_ref().is_some_and(|args| !args.is_small()) {
            return None;
        }
        // Dropped behind the lock, however this ends: it takes the lock itself.
        let operation;
        let mut inner = self.run.lock();
        let nothing_stands_there = !inner.replaying && inner.state.entry(at).is_none() && !inner.is_beyond(at);
        let may_lose = meta.pivot && inner.may_lose(at);
        let suspect = self.is_suspect(&inner);
        if !nothing_stands_there || may_lose || suspect || self.halted(&inner, at, false).is_some() {
            return None;
        }
        operation = self.run.operation_of(&mut inner, at.clone(), Some(site));
        inner.hold(self.core.now(), attempted(at, 1, meta, args, undo_args));
        let begun = match self.must_wait(meta, false) {
            true => inner.queue_and_wait(&self.core.journal, waker),
            false => inner.queue(&self.core.journal).map(|_| None),
        };
        Some((operation, begun))
    }

    /// Waits until an attempt that was begun at once may go on.
    async fn wait_for_begun(&self, begun: Begun<'_>) {
        let durable = match begun {
            Ok(None) => return,
            Ok(Some(wait)) => wait.await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = durable {
            Box::pin(self.broken(error)).await;
        }
    }

    /// Holds a step's output, and ends its operation.
    fn end_at_once(&self, operation: InFlight<'_>, at: &Position, output: Payload) {
        let mut inner = self.run.lock();
        inner.hold(self.core.now(), Event::StepDone { at: at.clone(), output });
        operation.end(&mut inner);
    }

    /// Whether a rollback would not find the step's undo.
    fn has_unknown_undo(&self, meta: &'static StepMeta) -> bool {
        meta.undo.is_some()
            && self.core.registry.step(meta.name).is_none_or(|known| (known.identity)() != (meta.identity)())
    }

    /// A step that was begun before, or that something may stand in the way of.
    async fn perform_with_care(&self, at: Position, site: Site, step: &mut dyn ErasedStep) -> Recorded {
        let meta = step.meta();
        let (args, past) = self.run.past_step(&at, site, step).await;
        match past {
            Some(StepPast::Ended(end)) => return self.run.told(&at, end).await,
            Some(StepPast::InDoubt(cause)) => match self.in_doubt(&at, site, meta, cause).await {},
            Some(StepPast::Open) => self.go_on(&at).await,
            None => self.go_live(&at, site, || awaits::step(meta)).await,
        }
        if meta.pivot && self.run.lock().may_lose(&at) {
            // Nothing has happened yet, and nothing must.
            let message = format!(
                "step `{}` is a pivot, and in a `race` or a `try_all` it may have to be undone: await it behind that",
                meta.name
            );
            match self.interrupt(&at, Interrupt::Fail(Cause::NoUndo { message })).await {}
        }
        if self.has_unknown_undo(meta) {
            // Nothing has happened yet, and nothing must: a rollback would not find the undo.
            let message = format!(
                "step `{}` can be undone, but no plan shows it: add `.step({})` to the engine's builder",
                meta.name, meta.name
            );
            match self.interrupt(&at, Interrupt::Fail(Cause::NoUndo { message })).await {}
        }
        let undo_args = match step.undo_args() {
            Ok(args) => args,
            // Nothing has happened yet, and nothing must: this could not be undone.
            Err(error) => {
                let message = format!("an argument of step `{}` that its undo needs: {error}", meta.name);
                match self.interrupt(&at, Interrupt::Fail(Cause::Unrecordable { message })).await {}
            }
        };
        let undo_args = match undo_args {
            Some(args) => Some(self.settle(args).await),
            None => None,
        };
        let end = self.attempts(&at, site, step, args, undo_args).await;
        self.run.told(&at, end).await
    }

    /// Attempts a step until one is its end. The first attempt of all records what its undo needs.
    async fn attempts(
        &self,
        at: &Position,
        site: Site,
        step: &mut dyn ErasedStep,
        args: u64,
        undo_args: Option<Payload>,
    ) -> Result<Payload, Cause> {
        let meta = step.meta();
        loop {
            self.wait_for_retry(at, site, meta).await;
            self.keep_to_rate(at, site, meta, false).await;
            let (suspect, _alone) = self.turn(at, false).await;
            let attempt = self.begin(at, meta, args, undo_args.as_ref()).await;
            if self.must_wait(meta, suspect) {
                self.barrier().await;
            }
            let judged = self.attempt(at, at, attempt, step, false).await;
            let end = self.conclude(at, site, meta, judged).await;
            if suspect {
                self.record([]).await;
                self.barrier().await;
            }
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// A pivot of which nobody knows whether it happened: the run is stuck.
    async fn in_doubt(&self, at: &Position, site: Site, meta: &StepMeta, cause: Cause) -> Infallible {
        self.go_on(at).await;
        tracing::warn!(run_id = %self.run.id, step = meta.name, %site, "nobody knows whether the pivot has happened");
        self.interrupt(at, Interrupt::Park(Event::Stuck { cause: Some(cause) })).await
    }

    async fn wait_for_retry(&self, at: &Position, site: Site, meta: &'static StepMeta) {
        let retry_at = self.run.lock().state.step(at).and_then(|step| step.retry_at);
        match retry_at {
            Some(until) if until > self.core.now() => {
                let on = WaitingOn::Retry { step: known(meta.name), until: until.into() };
                self.wait_until(at, site, until, on).await;
            }
            _ => self.heed(at, false).await,
        }
    }

    /// Waits until a step with a `rate` may be attempted again.
    pub(super) async fn keep_to_rate(&self, at: &Position, site: Site, meta: &'static StepMeta, shielded: bool) {
        let Some(limit) = meta.rate else { return };
        let (bucket, clock) = (self.core.flow.bucket(meta, limit), &*self.core.platform.clock);
        if let Err(wait) = bucket.try_take(clock) {
            let on = WaitingOn::Rate { step: known(meta.name), until: self.core.now().after(wait).into() };
            let _visible = self.visible(at, site, on);
            self.heeding(at, shielded, bucket.take(clock)).await;
        }
    }

    /// Waits until an attempt may begin: for room in the queue, and for its turn
    /// if the run is a suspect. What was held is queued first, as this can take long.
    pub(super) async fn turn(&self, at: &Position, shielded: bool) -> (bool, Option<SemaphorePermit<'_>>) {
        let suspect = self.is_suspect(&self.run.lock());
        let mut room = pin!(self.core.journal.room());
        let queued = match poll_once(room.as_mut()).await {
            Some(room) => room,
            None => {
                self.record([]).await;
                room.await
            }
        };
        if let Err(error) = queued {
            self.broken(error.into()).await;
        }
        if !suspect {
            return (false, None);
        }
        self.record([]).await;
        (true, self.heeding(at, shielded, self.core.suspects.acquire()).await.ok())
    }

    /// Whether the run may be what takes the process down.
    fn is_suspect(&self, inner: &Inner) -> bool {
        inner.state.crashes >= self.core.limits.suspect
    }

    /// Whether an attempt begins only when it is durable: if it acts on the
    /// world, and for a while after a crash in any case.
    pub(super) fn must_wait(&self, meta: &StepMeta, suspect: bool) -> bool {
        let cautious = self.run.take_caution();
        meta.effect != Effect::Pure || suspect || cautious
    }

    /// Records the next attempt, unless the run was cancelled in the meantime.
    async fn begin(&self, at: &Position, meta: &'static StepMeta, args: u64, undo_args: Option<&Payload>) -> u32 {
        let begun = {
            let mut inner = self.run.lock();
            match self.halted(&inner, at, false) {
                Some(why) => Err(why),
                None => {
                    let attempt = inner.state.step(at).map_or(1, |step| step.attempts + 1);
                    let undo_args = undo_args.filter(|_| attempt == 1).cloned();
                    inner.hold(self.core.now(), attempted(at, attempt, meta, args, undo_args));
                    inner.queue(&self.core.journal).map(|_| attempt).map_err(Interrupt::Engine)
                }
            }
        };
        match begun {
            Ok(attempt) => attempt,
            Err(why) => match self.interrupt(at, why).await {},
        }
    }

    /// Records how an attempt ended. The step's end, if this is it.
    async fn conclude(
        &self,
        at: &Position,
        site: Site,
        meta: &'static StepMeta,
        judged: Judged,
    ) -> Option<Result<Payload, Cause>> {
        let (cause, retryable, unknown) = match judged {
            Judged::Done(output) => {
                let output = self.settle(output).await;
                self.hold(Event::StepDone { at: at.clone(), output: output.clone() });
                return Some(Ok(output));
            }
            Judged::Failed { cause, retryable, unknown } => (self.settle_cause(cause).await, retryable, unknown),
        };
        let at = at.clone();
        if matches!(cause, Cause::Aborted | Cause::Cancelled) {
            let why = if cause == Cause::Aborted { Interrupt::Shutdown } else { Interrupt::Cancel };
            self.record([Event::AttemptFailed { at: at.clone(), cause, unknown, retry_at: None }]).await;
            self.heed(&at, false).await;
            match self.interrupt(&at, why).await {}
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
        self.hold(Event::StepFailed { at: at.clone(), cause: cause.clone(), unknown });
        if meta.pivot && ever_unknown {
            match self.in_doubt(&at, site, meta, cause).await {}
        }
        Some(Err(cause))
    }
}

fn attempted(at: &Position, attempt: u32, meta: &StepMeta, args: u64, undo_args: Option<Payload>) -> Event {
    Event::StepAttempted {
        at: at.clone(),
        step: known(meta.name),
        attempt,
        args,
        pivot: meta.pivot,
        undo_done: meta.undo.is_some_and(|undo| undo.done),
        undo_unknown: meta.undo.is_some_and(|undo| undo.unknown),
        undo_args,
    }
}
