//! Schedules: runs of a workflow that every engine has.
//!
//! Owns that workflow ([`ScheduleWorkflow`]), its arguments ([`Scheduled`]) and the moments at which it starts runs
//! ([`Cron`]). A turn of such a run waits for one moment, starts the run that is due, and goes on as the next turn. What
//! must always hold: a moment starts one run at most, whose id is that of the schedule and the moment.

mod body;
mod cron;
mod input;

use std::sync::Arc;

pub(super) use body::{NAME, ScheduleWorkflow};
pub(crate) use cron::Cron;
pub use input::Missed;
pub(crate) use input::Scheduled;

use super::core::Core;
use super::live::Held;
use super::requests::{NewRun, StartWith};
use super::{Error, Result};
use crate::id::{MAX_RUN_ID, RunId};
use crate::record::Name;

/// The bytes that a moment takes in a run's id, with what stands before it.
const TICK: usize = "/2026-11-21T03:00:00Z".len();

impl Core {
    /// Starts a schedule, or finds the one that was started with the same id and arguments before.
    pub(crate) async fn schedule(self: &Arc<Self>, scheduled: Scheduled) -> Result<Held> {
        let cron = scheduled.cron()?;
        if cron.next(self.now()).is_none() {
            return Err(Error::NoSchedule {
                expression: scheduled.cron,
                reason: "no such moment ever comes".to_owned(),
            });
        }
        self.runnable(&scheduled.workflow, scheduled.version)?;
        if !(1..=MAX_RUN_ID - TICK).contains(&scheduled.id.as_str().len()) {
            return Err(Error::InvalidId { found: scheduled.id.as_str().len(), limit: MAX_RUN_ID - TICK });
        }
        let input = scheduled.encode().map_err(|source| Error::Unrecordable { what: "schedule", source })?;
        let (id, options) = (Some(scheduled.id), StartWith::default());
        self.start(NewRun { id, workflow: Name::Borrowed(NAME), version: 1, input, options }).await
    }
}

/// The id of the run that a schedule starts at a moment.
fn run_at(schedule: &RunId, tick: crate::time::Timestamp) -> RunId {
    RunId::from(format!("{schedule}/{}", cron::text(tick)))
}
