//! How a run ended, or why it cannot go on.

use std::fmt;
use std::sync::Arc;

use super::held_up::StuckReport;
use super::link::Link;
use super::run::{Cancelled, Completed, Diverged, Failed, Paused, Poisoned, Run, Stuck};
use crate::codec::Recordable;
use crate::engine::{Error, Held, Result, Shown, Status, failed_step, failure_of, not_undone, problem, stuck_on};
use crate::plan::WorkflowSig;
use crate::run::Phase;

/// How a run ended, or why it cannot go on by itself.
pub enum Outcome<W: WorkflowSig> {
    /// It succeeded.
    Completed(Run<W, Completed>),
    /// It failed, and everything it did is undone.
    Failed(Run<W, Failed>),
    /// It was cancelled, and everything it did is undone.
    Cancelled(Run<W, Cancelled>),
    /// It was paused.
    Paused(Run<W, Paused>),
    /// Something failed after its pivot, or could not be undone.
    Stuck(Run<W, Stuck>),
    /// The code no longer matches what it has recorded.
    Diverged(Run<W, Diverged>),
    /// It took the process down too often.
    Poisoned(Run<W, Poisoned>),
}

impl<W: WorkflowSig> Outcome<W> {
    pub(super) fn new(link: &Arc<Link>, live: &Held, shown: Shown) -> Result<Self> {
        let Shown { phase, paused, .. } = shown;
        let in_words = || problem(&phase, &live.lock().state).unwrap_or_default();
        let run = Held::new(live);
        let undecodable = |what| move |source| Error::Undecodable { what, id: live.id.clone(), source };
        Ok(match &phase {
            Phase::Completed { output } => {
                Outcome::Completed(Run::new(link, run, W::Output::read(output).map_err(undecodable("output"))?))
            }
            Phase::Failed { cause } => {
                Outcome::Failed(Run::new(link, run, failure_of(cause).map_err(undecodable("error"))?))
            }
            Phase::Cancelled => Outcome::Cancelled(Run::new(link, run, ())),
            Phase::Stuck { cause, .. } => {
                let problem = in_words();
                let state = &live.lock().state;
                let failure = stuck_on(state, cause);
                let report = StuckReport::new(problem, failure, failed_step(state), not_undone(state));
                Outcome::Stuck(Run::new(link, run, report))
            }
            Phase::Diverged { .. } => Outcome::Diverged(Run::new(link, run, in_words())),
            Phase::Poisoned { .. } => Outcome::Poisoned(Run::new(link, run, in_words())),
            Phase::Forward | Phase::RollingBack { .. } if paused.is_some() => {
                Outcome::Paused(Run::new(link, run, paused.unwrap_or_default()))
            }
            Phase::Forward | Phase::RollingBack { .. } => {
                return Err(Error::Internal { reason: "an outcome of a run that goes on".to_owned() });
            }
        })
    }

    /// The status that this outcome is.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Outcome::Completed(_) => Status::Completed,
            Outcome::Failed(_) => Status::Failed,
            Outcome::Cancelled(_) => Status::Cancelled,
            Outcome::Paused(_) => Status::Paused,
            Outcome::Stuck(_) => Status::Stuck,
            Outcome::Diverged(_) => Status::Diverged,
            Outcome::Poisoned(_) => Status::Poisoned,
        }
    }
}

impl<W: WorkflowSig> fmt::Debug for Outcome<W>
where
    W::Output: fmt::Debug,
    W::Error: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Completed(run) => f.debug_tuple("Completed").field(run.output()).finish(),
            Outcome::Failed(run) => f.debug_tuple("Failed").field(run.failure()).finish(),
            Outcome::Cancelled(_) => f.write_str("Cancelled"),
            Outcome::Paused(_) => f.write_str("Paused"),
            Outcome::Stuck(run) => f.debug_tuple("Stuck").field(&run.problem()).finish(),
            Outcome::Diverged(run) => f.debug_tuple("Diverged").field(&run.problem()).finish(),
            Outcome::Poisoned(run) => f.debug_tuple("Poisoned").field(&run.problem()).finish(),
        }
    }
}
