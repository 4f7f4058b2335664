//! A run goes on in another state of its machine.
//!
//! What must always hold: what the run keeps is what there is when the state's record is made, both under one lock;
//! nobody is told of a state before it is durable.

use std::sync::Arc;

use super::core::Core;
use super::live::{Interrupt, Shown};
use super::perform::Performer;
use super::registry::{By, Entering, Workflow};
use super::{Error, driver};
use crate::codec::Payload;
use crate::id::Lsn;
use crate::platform::yield_now;
use crate::record::{Cause, Event, Name, Reason};
use crate::run::RunState;

/// The first state of a run that was started in this process begins: its observers are told.
pub(super) async fn begins(performer: &Performer, workflow: &Arc<dyn Workflow>) {
    let fresh = performer.run.is_fresh();
    let Some(hooks) = performer.core.registry.hooks(workflow.meta()) else { return };
    if fresh {
        let (value, root) = {
            let state = &performer.run.lock().state;
            (state.input.clone(), state.root())
        };
        performer.counted(&root, None, performer.barrier()).await;
        hooks.entered(&performer.run.id, &value, &performer.core.outside.redaction);
    }
}

/// Enters a state, unless the run is to stop in this moment: one that was paused, or whose engine shuts down, comes here again when it goes on.
pub(super) async fn state(
    performer: &Performer,
    workflow: &Arc<dyn Workflow>,
    mut entering: Entering,
) -> Result<(), Interrupt> {
    let (core, run) = (&performer.core, &performer.run);
    let_others_run(core).await.map_err(Interrupt::Engine)?;
    entering.value = core.settle(entering.value).await.map_err(Interrupt::Engine)?;
    let value = entering.value.clone();
    if let Some(cause) = performer.lighten(!entering.is_final()).await? {
        return driver::fail(performer, cause).await;
    }
    let (left, last, shown) = match record(performer, entering) {
        Recorded::Stopped(why) => return Err(why),
        Recorded::Failed(cause) => return driver::fail(performer, cause).await,
        Recorded::Paused => return driver::commit(performer, None).await,
        Recorded::Entered { left, last, shown } => (left, last, shown),
    };
    core.journal.durable(last).await.map_err(|error| Interrupt::Engine(error.into()))?;
    run.publish(*shown);
    if let Some(hooks) = core.registry.hooks(workflow.meta()) {
        hooks.left(&run.id, &left, &core.outside.redaction);
        hooks.entered(&run.id, &value, &core.outside.redaction);
    }
    Ok(())
}

/// A run may go from state to state, or from turn to turn, without an await: it has others run in between, and waits for the log when
/// that has much to write.
pub(super) async fn let_others_run(core: &Core) -> Result<(), Error> {
    yield_now().await;
    Ok(core.journal.room().await?)
}

/// What became of a state that was to be entered.
enum Recorded {
    Stopped(Interrupt),
    Failed(Cause),
    Paused,
    Entered { left: Payload, last: Lsn, shown: Box<Shown> },
}

fn record(performer: &Performer, entering: Entering) -> Recorded {
    let is_final = entering.is_final();
    let Entering { state, value, by, commit: _, terminal, groups, inside, ignores } = entering;
    let (core, run) = (&performer.core, &performer.run);
    let mut inner = run.lock();
    // As at every await: a machine may go from state to state without one.
    match performer.halted(&inner, &inner.state.root(), false) {
        None => {}
        Some(Interrupt::Cancel) => return Recorded::Failed(Cause::Cancelled),
        Some(Interrupt::Fail(cause)) => return Recorded::Failed(cause),
        Some(Interrupt::Pause) => return Recorded::Paused,
        Some(why) => return Recorded::Stopped(why),
    }
    let before = &inner.state;
    let visit = match next_visit(before) {
        Ok(visit) => visit,
        Err(cause) => return Recorded::Failed(cause),
    };
    let left = before.input.clone();
    let now = core.now();
    let reason = match by {
        By::Handler => before.reason(),
        By::Timeout { group } => Reason::Timeout { group },
    };
    let end = terminal.then(|| Event::RunCompleted { output: value.clone() });
    let entered = Event::StateEntered {
        visit,
        state: Name::Borrowed(state),
        value,
        reason,
        groups: before.groups_since(&groups, &inside, now),
        carried: Box::new(before.carry_into(is_final, &ignores)),
    };
    let events = [Some(entered), end].into_iter().flatten();
    match inner.record(&core.journal, now, events) {
        Ok(last) => Recorded::Entered { left, last, shown: Box::new(inner.to_show()) },
        Err(error) => Recorded::Stopped(Interrupt::Engine(error)),
    }
}

/// The number of the turn or state that follows.
///
/// # Errors
/// Behind the last that can be counted the run fails.
pub(super) fn next_visit(state: &RunState) -> Result<u32, Cause> {
    let most = u32::MAX;
    let message = || format!("a run has at most {most} turns or states behind the first");
    state.visit.checked_add(1).ok_or_else(|| Cause::Unrecordable { message: message() })
}
