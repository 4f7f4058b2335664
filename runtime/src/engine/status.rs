//! What a run is doing, as others see it.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use crate::id::RunId;
use crate::plan::Plan;
use crate::run::Phase;
use crate::time::Timestamp;

/// A run's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Its body or one of its steps runs.
    Running,
    /// It waits for a timer, a signal or its next attempt.
    Waiting,
    /// It was paused.
    Paused,
    /// What it did is being undone.
    Compensating,
    /// It succeeded.
    Completed,
    /// It failed, and everything it did is undone.
    Failed,
    /// It was cancelled, and everything it did is undone.
    Cancelled,
    /// Something failed after its pivot, or could not be undone.
    Stuck,
    /// The code no longer matches what it has recorded.
    Diverged,
    /// It took the process down too often.
    Poisoned,
}

impl Status {
    /// The status in one word, as in [`Display`](fmt::Display).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Waiting => "waiting",
            Status::Paused => "paused",
            Status::Compensating => "compensating",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
            Status::Stuck => "stuck",
            Status::Diverged => "diverged",
            Status::Poisoned => "poisoned",
        }
    }

    /// Whether the run goes on by itself.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, Status::Running | Status::Waiting | Status::Compensating)
    }

    pub(crate) fn of(phase: &Phase, paused: bool, waits: bool) -> Status {
        match phase {
            Phase::Forward | Phase::RollingBack { .. } if paused => Status::Paused,
            Phase::Forward if waits => Status::Waiting,
            Phase::Forward => Status::Running,
            Phase::RollingBack { .. } => Status::Compensating,
            Phase::Stuck { .. } => Status::Stuck,
            Phase::Diverged { .. } => Status::Diverged,
            Phase::Poisoned { .. } => Status::Poisoned,
            Phase::Completed { .. } => Status::Completed,
            Phase::Failed { .. } => Status::Failed,
            Phase::Cancelled => Status::Cancelled,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a waiting run waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitingOn {
    /// A timer.
    Timer {
        /// When it wakes.
        until: SystemTime,
    },
    /// A signal.
    Signal {
        /// The signal's name.
        name: Cow<'static, str>,
        /// How long it waits, if there is a limit.
        until: Option<SystemTime>,
    },
    /// The next attempt of a step.
    Retry {
        /// The step's name.
        step: Cow<'static, str>,
        /// When it begins.
        until: SystemTime,
    },
    /// The moment at which it is to begin.
    Start {
        /// When that is.
        until: SystemTime,
    },
    /// Its turn: its workflow runs as often at once as its `concurrency` allows.
    Turn {
        /// Whom it shares that with, if its workflow has a `key`.
        key: Option<Cow<'static, str>>,
    },
    /// A step's turn: its `rate` allows no further attempt before that.
    Rate {
        /// The step's name.
        step: Cow<'static, str>,
        /// About when it is its turn; sooner if runs before it go away.
        until: SystemTime,
    },
    /// The end of another run that it has started.
    Child {
        /// The other run's id.
        id: RunId,
    },
}

/// What a run waits for, since when, and where in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// For what.
    pub on: WaitingOn,
    /// Since when, in the process that last ran its body.
    pub since: SystemTime,
    /// The file that waits, as the compiler names it.
    pub file: Cow<'static, str>,
    /// The line that waits, from 1.
    pub line: u32,
}

impl Waiting {
    /// When the wait ends by itself, if it does.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        match self.on {
            WaitingOn::Timer { until }
            | WaitingOn::Retry { until, .. }
            | WaitingOn::Start { until }
            | WaitingOn::Rate { until, .. } => Some(until.into()),
            WaitingOn::Signal { until, .. } => until.map(Into::into),
            WaitingOn::Turn { .. } | WaitingOn::Child { .. } => None,
        }
    }
}

impl WaitingOn {
    /// Whether a run that waits for it may leave memory: something brings it back.
    pub(crate) fn may_sleep(&self) -> bool {
        !matches!(self, WaitingOn::Turn { .. } | WaitingOn::Child { .. } | WaitingOn::Rate { .. })
    }
}

/// One line of [`Engine::list`](crate::Engine::list).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunInfo {
    /// The run's id.
    pub id: RunId,
    /// Its workflow's name.
    pub workflow: String,
    /// Its workflow's version.
    pub version: u32,
    /// Its status.
    pub status: Status,
    /// The state that it is in, or was in when it ended, if it is a machine's that is registered or has entered a state: the variant's name.
    pub state: Option<String>,
    /// What it waits for, if it is [`Status::Waiting`].
    pub waiting: Vec<Waiting>,
    /// When it was started.
    pub started_at: SystemTime,
    /// When its last record was written.
    pub updated_at: SystemTime,
    /// Why it failed or cannot go on, in words. Of a run that goes on: that its body, or a step of it, has not come to an
    /// await for more than a second, and where.
    pub problem: Option<String>,
}

impl RunInfo {
    /// Of a machine's run in the state that it began in, of which no record has the name: it is the plan's.
    pub(crate) fn of(mut self, plan: &Plan) -> RunInfo {
        if let (None, Plan::Machine(graph)) = (&self.state, plan) {
            self.state = graph.initial().map(|state| state.name.to_owned());
        }
        self
    }
}
