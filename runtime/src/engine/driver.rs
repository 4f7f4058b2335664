//! Drives one run in its task: body, then rollback if need be, to its end.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use super::Error;
use super::core::{Core, RunTask};
use super::live::{Interrupt, LiveRun};
use super::perform::{Performer, RolledBack};
use super::registry::{BodyEnd, Misfit};
use super::stop::Stage;
use super::{enter, past};
use crate::codec::Payload;
use crate::io::{Caught, panic_text};
use crate::plan::{Plan, WorkflowMeta};
use crate::record::{Cause, Event};
use crate::run::{Decision, Phase};

/// Sets a run going in a task of its own, unless it has one.
pub(super) fn launch(core: &Arc<Core>, run: Arc<LiveRun>) {
    let number = run.number;
    // Held while the task starts, so that it cannot end before it is known.
    let mut runs = core.runs();
    if runs.tasks.get(&number).is_some_and(|task| Arc::ptr_eq(&task.run, &run)) {
        // It looks at its run once more before it ends.
        return;
    }
    let working = core.stop.work();
    let driven = run.clone();
    let task = {
        let (core, run) = (core.clone(), run);
        async move {
            loop {
                let left = match (Caught { body: pin!(drive(&core, &run)) }).await {
                    Ok(left) => left,
                    Err(panic) => {
                        let panic = core.outside.redaction.text(&panic);
                        tracing::error!(run_id = %run.id, panic, "a fault of the engine: the task of a run has panicked");
                        run.abandon(Error::Internal { reason: panic });
                        Left::ForGood
                    }
                };
                let mut runs = core.runs();
                // Somebody may have had it go on meanwhile.
                if left == Left::ForNow && run.lock().state.goes_on() {
                    continue;
                }
                // The run may have left and come back: then the task is another one.
                if runs.tasks.get(&number).is_some_and(|task| Arc::ptr_eq(&task.run, &run)) {
                    runs.tasks.remove(&number);
                    core.makes_room(&run);
                }
                break;
            }
            drop(working);
        }
    };
    let handle = core.platform.exec.spawn(Box::pin(task));
    runs.tasks.insert(number, RunTask { run: driven, handle });
}

/// How a task leaves its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The run has ended, or waits for somebody to have it go on.
    ForNow,
    /// It goes on in another task or process, if at all.
    ForGood,
}

/// Drives a run until it has ended, cannot go on by itself, or the engine stops.
async fn drive(core: &Arc<Core>, run: &Arc<LiveRun>) -> Left {
    let performer = Performer::new(core, run);
    if let Err(why) = to_the_end(&performer).await {
        match why {
            Interrupt::Engine(error) => {
                tracing::error!(run_id = %run.id, %error, "the engine has failed under a run");
                run.abandon(error);
            }
            // Parked by a shutdown: the next engine on this directory goes on with
            // it, from the outcomes that were held for what would have followed.
            // The run is in the checkpoint, and somebody else's now.
            Interrupt::Asleep => {}
            _ => {
                let held = match core.stop.stage() {
                    Stage::Stopped => None,
                    _ => run.lock().record(&core.journal, core.now(), []).err(),
                };
                run.abandon(held.unwrap_or_else(|| core.stopped()));
            }
        }
        return Left::ForGood;
    }
    run.lock().state.shrink();
    Left::ForNow
}

/// Goes through a run's phases. An error is an interrupt that ends its task early.
async fn to_the_end(performer: &Performer) -> Result<(), Interrupt> {
    loop {
        let (phase, goes_on) = {
            let state = &performer.run.lock().state;
            (state.phase.clone(), state.goes_on())
        };
        match phase {
            Phase::Forward if goes_on => forward(performer).await?,
            Phase::RollingBack { cause } if goes_on => backward(performer, cause).await?,
            _ => return commit(performer, None).await,
        }
    }
}

pub(super) async fn commit(performer: &Performer, event: Option<Event>) -> Result<(), Interrupt> {
    performer.core.commit(&performer.run, event).await.map_err(Interrupt::Engine)
}

/// Runs the body to its end, and records what follows from it.
async fn forward(performer: &Performer) -> Result<(), Interrupt> {
    let (cancelled, workflow, input, fingerprint, root, since) = {
        let mut inner = performer.run.lock();
        inner.begin();
        let state = &inner.state;
        let start = &state.start;
        let registry = &performer.core.registry;
        let missing = registry.missing(&start.workflow, start.version, &state.input).is_some();
        let workflow = registry.workflow(&start.workflow, start.version).filter(|_| !missing).cloned();
        (state.cancel_requested, workflow, state.input.clone(), start.fingerprint, state.root(), state.since.clone())
    };
    if cancelled {
        return fail(performer, Cause::Cancelled).await;
    }
    let Some(workflow) = workflow else {
        // Open has refused such runs, or left them alone by the caller's wish.
        return Err(Interrupt::Shutdown);
    };
    let host = Arc::new(performer.clone());
    let body = match workflow.body(host, &input, root.clone(), &since) {
        Ok(body) => body,
        Err(Misfit { expected, found }) => return diverged(performer, workflow.meta(), &expected, found).await,
    };
    if fingerprint != workflow.meta().fingerprint {
        tracing::warn!(
            run_id = %performer.run.id, workflow = workflow.meta().name, version = workflow.meta().version,
            "the plan of the workflow has changed under this run; its replay tells whether it still fits"
        );
    }
    let site = workflow.meta().site;
    let body = pin!(Some(async {
        performer.set_off(&root, site).await;
        enter::begins(performer, &workflow).await;
        body.await
    }));
    match watched(performer, body, true).await {
        Ended::Foreign => {
            let (expected, found) = past::FOREIGN;
            diverged(performer, workflow.meta(), expected, found.to_owned()).await
        }
        Ended::Interrupted(Interrupt::Cancel) => fail(performer, Cause::Cancelled).await,
        Ended::Interrupted(Interrupt::Fail(cause)) => fail(performer, cause).await,
        Ended::Interrupted(Interrupt::Park(event)) => commit(performer, Some(event)).await,
        Ended::Interrupted(Interrupt::Again { input }) => again(performer, input).await,
        Ended::Interrupted(Interrupt::Pause) => Ok(()),
        Ended::Interrupted(why) => Err(why),
        Ended::Body(end) => {
            let left = performer.run.lock().left_behind(&root, end.is_err());
            if let Some((at, recorded)) = left {
                let expected = format!("{recorded} at {at}");
                return diverged(performer, workflow.meta(), &expected, "ends before it".to_owned()).await;
            }
            if performer.run.lock().state.cancel_requested {
                return fail(performer, Cause::Cancelled).await;
            }
            match end {
                Ok(BodyEnd::Done(output)) => {
                    let output = performer.core.settle(output).await.map_err(Interrupt::Engine)?;
                    let cancelled = {
                        let mut inner = performer.run.lock();
                        if !inner.state.cancel_requested {
                            inner.hold(performer.core.now(), Event::RunCompleted { output });
                        }
                        inner.state.cancel_requested
                    };
                    match cancelled {
                        true => fail(performer, Cause::Cancelled).await,
                        false => commit(performer, None).await,
                    }
                }
                Ok(BodyEnd::Enters(entering)) => enter::state(performer, &workflow, *entering).await,
                Ok(BodyEnd::Failed(error)) => {
                    let error = performer.core.settle(error).await.map_err(Interrupt::Engine)?;
                    fail(performer, Cause::Error { error }).await
                }
                Ok(BodyEnd::Unrecordable(error)) => {
                    let what = match workflow.meta().plan {
                        Plan::Machine(_) => "what a state's handler gives",
                        _ => "the saga's result",
                    };
                    fail(performer, Cause::Unrecordable { message: format!("{what}: {error}") }).await
                }
                Err(message) => fail(performer, Cause::Panicked { message }).await,
            }
        }
    }
}

/// The next turn of the run begins, unless it was cancelled or paused in this moment: what the next turn carries is what
/// there is when it is recorded.
async fn again(performer: &Performer, input: Payload) -> Result<(), Interrupt> {
    enter::let_others_run(&performer.core).await.map_err(Interrupt::Engine)?;
    if let Some(cause) = performer.lighten(true).await? {
        return fail(performer, cause).await;
    }
    let failed = {
        let mut inner = performer.run.lock();
        let state = &inner.state;
        if state.cancel_requested {
            Some(Cause::Cancelled)
        } else if state.paused.is_some() {
            // A paused run comes here again when it is resumed.
            None
        } else {
            let event = enter::next_visit(state).map(|visit| {
                let carried = Box::new(state.carry());
                Event::Again { visit, input, carried }
            });
            event.map(|event| inner.hold(performer.core.now(), event)).err()
        }
    };
    match failed {
        Some(cause) => fail(performer, cause).await,
        None => commit(performer, None).await,
    }
}

/// The run fails: it is rolled back, or stuck if a pivot stands in the way.
pub(super) async fn fail(performer: &Performer, cause: Cause) -> Result<(), Interrupt> {
    let settled = {
        let mut inner = performer.run.lock();
        let scope = inner.state.root();
        let decided = match inner.state.decide(&scope) {
            Decision::Stuck => Event::Stuck { cause: Some(cause) },
            Decision::RollBack => Event::RollbackDecided { scope, cause },
        };
        inner.hold(performer.core.now(), decided);
        // With nothing to undo, decision and end are one group.
        match &inner.state.phase {
            Phase::RollingBack { cause } if nothing_to_undo(&inner.state) => Some(ended(cause)),
            _ => None,
        }
    };
    commit(performer, settled).await
}

fn nothing_to_undo(state: &crate::run::RunState) -> bool {
    state.next_undo(&state.root()).is_none() && !state.undo_failed(&state.root())
}

fn ended(cause: &Cause) -> Event {
    match cause {
        Cause::Cancelled => Event::RunCancelled {},
        _ => Event::RunFailed {},
    }
}

/// Undoes everything, and records the run's end.
async fn backward(performer: &Performer, cause: Cause) -> Result<(), Interrupt> {
    let root = {
        let mut inner = performer.run.lock();
        // A rollback replays no body: all that is said in it is said for the first time.
        inner.replaying = false;
        inner.state.root()
    };
    let rollback = pin!(Some(performer.roll_back(&root)));
    match watched(performer, rollback, false).await {
        Ended::Body(Ok(RolledBack::Undone)) => commit(performer, Some(ended(&cause))).await,
        Ended::Body(Ok(RolledBack::Failed)) => commit(performer, Some(Event::Stuck { cause: None })).await,
        Ended::Body(Err(message)) => Err(Interrupt::Engine(Error::Internal { reason: message })),
        Ended::Interrupted(Interrupt::Pause) => Ok(()),
        // An undo asks for other facts than it did.
        Ended::Interrupted(Interrupt::Park(event)) => commit(performer, Some(event)).await,
        Ended::Interrupted(why) => Err(why),
        // Only a body is asked what it waits for.
        Ended::Foreign => Ok(()),
    }
}

async fn diverged(
    performer: &Performer,
    meta: &'static WorkflowMeta,
    expected: &str,
    found: String,
) -> Result<(), Interrupt> {
    let at = performer.run.lock().state.root();
    let event = past::misfit(at, meta, expected.to_owned(), found);
    commit(performer, Some(event)).await
}

/// How the polling of a body ended.
enum Ended<T> {
    Body(T),
    /// It waits for something that is no durable operation.
    Foreign,
    Interrupted(Interrupt),
}

/// Polls a body until it ends, or an operation in it has left an interrupt and everything else in it has stopped; the
/// body is dropped then. While it replays, its `tracing` events are muted. Its panics are values.
async fn watched<F: Future>(
    performer: &Performer,
    mut body: Pin<&mut Option<F>>,
    is_body: bool,
) -> Ended<Result<F::Output, String>> {
    let run = &performer.run;
    // Not under the run's lock: a subscriber may look at the run.
    let (workflow, deadline) = {
        let state = &run.lock().state;
        (state.start.workflow.clone(), state.options.deadline)
    };
    let span = tracing::info_span!("run", run_id = %run.id, %workflow);
    let muted = tracing::Dispatch::none();
    let mut deadline = deadline.filter(|_| is_body).map(|at| performer.core.timers.until(at));
    let ended = poll_fn(|cx| {
        if deadline.as_mut().is_some_and(|until| Pin::new(until).poll(cx).is_ready()) {
            deadline = None;
            run.changed.notify_waiters();
        }
        let replaying = run.lock().replaying;
        let watched = performer.core.watchdog.watch(run);
        // There is none once it has been dropped, and then it is not polled any more.
        let Some(body) = body.as_mut().as_pin_mut() else { return Poll::Pending };
        let mut body = Caught { body };
        let polled = match replaying {
            true => tracing::dispatcher::with_default(&muted, || Pin::new(&mut body).poll(cx)),
            false => span.in_scope(|| Pin::new(&mut body).poll(cx)),
        };
        drop(watched);
        let mut inner = run.lock();
        // An interrupt outweighs the body's own end, which could not know of it.
        if let Some(why) = &inner.interrupt
            && (why.is_urgent() || polled.is_ready() || inner.has_stopped(&inner.state.root()))
            && let Some(why) = inner.interrupt.take()
        {
            return Poll::Ready(Ended::Interrupted(why));
        }
        if polled.is_pending() {
            // What the macro did not see: a future that no record would wake after a crash.
            if is_body && !inner.awaits_an_operation() {
                return Poll::Ready(Ended::Foreign);
            }
            if replaying {
                // Every branch has come to where nothing is recorded: now what is new may begin.
                inner.replaying = false;
                run.changed.notify_waiters();
            }
            // Nothing follows at once: what was held for what would follow is queued alone.
            if let Err(error) = inner.queue(&performer.core.journal) {
                return Poll::Ready(Ended::Interrupted(Interrupt::Engine(error)));
            }
        }
        drop(inner);
        polled.map(Ended::Body)
    })
    .await;
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body.set(None))) {
        let message = performer.core.outside.redaction.text(&panic_text(&*panic));
        tracing::warn!(parent: &span, message, "a value of the body panicked while it was dropped");
    }
    ended
}
