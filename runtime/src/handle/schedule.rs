//! Runs by the calendar.

use std::future::IntoFuture;
use std::time::SystemTime;

use super::Engine;
use crate::codec::{EncodeError, Payload};
use crate::engine::{Error, Missed, Result, Scheduled, Status};
use crate::id::RunId;
use crate::plan::WorkflowSig;
use crate::platform::BoxFuture;
use crate::record::Name;
use crate::saga::{StartArgs, Startable};

/// A schedule, as it is when it was asked for: [`Engine::schedule`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScheduleInfo {
    /// The schedule's id: that of its run.
    pub id: RunId,
    /// What its run does. A schedule that was cancelled stays so: another one needs another id.
    pub status: Status,
    /// The next moment at which it starts a run, if it goes on and there is one.
    pub next: Option<SystemTime>,
}

/// A schedule that has not been asked for yet: [`Engine::schedule`].
#[must_use = "nothing is scheduled until this is awaited: add `.await`"]
pub struct ScheduleRequest {
    engine: Engine,
    scheduled: std::result::Result<Scheduled, EncodeError>,
}

impl Engine {
    /// Starts a workflow again and again: `engine.schedule(clean_up(), "0 3 * * *").id("nightly").await?`. The schedule
    /// exists for good when that returns, over restarts and crashes.
    ///
    /// The expression is minute, hour, day of month, month and day of week, in UTC; a sixth field in front is the
    /// second, a seventh at the end the year. For a moment it starts a run whose id is the schedule's with the moment,
    /// `nightly/2026-11-21T03:00:00Z`, whether or not the run before has ended: a
    /// [`concurrency`](macro@crate::saga) has it wait. Moments that were missed are dealt with by
    /// [`missed`](ScheduleRequest::missed).
    ///
    /// A schedule is a run itself, of a workflow `factum.schedule` that every engine has: it is listed, paused and
    /// resumed like any other, and [`cancel`](Engine::cancel) ends it. It fails if the id of the run that it is to start
    /// belongs to another workflow or input: ids that begin with the schedule's and a `/` are its own. Asking again with the same id, expression and
    /// call gives the same schedule.
    ///
    /// # Errors
    /// [`Error::NoSchedule`] when the expression is none, or such a moment never comes; [`Error::NotRegistered`];
    /// [`Error::Conflict`] when the id is that of another schedule or run; else as [`start`](Engine::start).
    ///
    /// # Cancel safety
    /// Dropping the future does not take the schedule back.
    pub fn schedule<C: Startable>(&self, call: C, cron: impl Into<String>) -> ScheduleRequest {
        let (name, version) = (C::Workflow::NAME, C::Workflow::VERSION);
        let StartArgs { input, key } = call.into_start();
        let scheduled = |(input, _): (Payload, u64)| Scheduled {
            id: RunId::from(name),
            cron: cron.into(),
            missed: Missed::default(),
            workflow: Name::Borrowed(name),
            version,
            input,
            key,
            after: None,
        };
        ScheduleRequest { engine: self.clone(), scheduled: input.map(scheduled) }
    }
}

impl ScheduleRequest {
    /// The schedule's id, of 1 to 491 bytes; the workflow's name unless told otherwise.
    pub fn id(mut self, id: impl Into<RunId>) -> Self {
        if let Ok(scheduled) = &mut self.scheduled {
            scheduled.id = id.into();
        }
        self
    }

    /// What becomes of moments that are more than a minute late, as no engine ran or the schedule was paused:
    /// [`Missed::Once`] unless told otherwise.
    pub fn missed(mut self, missed: Missed) -> Self {
        if let Ok(scheduled) = &mut self.scheduled {
            scheduled.missed = missed;
        }
        self
    }

    async fn send(self) -> Result<ScheduleInfo> {
        let scheduled = self.scheduled.map_err(|source| Error::Unrecordable { what: "input", source })?;
        let core = self.engine.core();
        let cron = scheduled.cron()?;
        let info = core.schedule(scheduled).await?.info();
        let goes_on = matches!(info.status, Status::Running | Status::Waiting);
        let next = cron.next(core.now()).filter(|_| goes_on).map(Into::into);
        Ok(ScheduleInfo { id: info.id, status: info.status, next })
    }
}

impl IntoFuture for ScheduleRequest {
    type Output = Result<ScheduleInfo>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl std::fmt::Debug for ScheduleRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = self.scheduled.as_ref().map(|scheduled| &scheduled.id).ok();
        f.debug_struct("ScheduleRequest").field("id", &id).finish_non_exhaustive()
    }
}
