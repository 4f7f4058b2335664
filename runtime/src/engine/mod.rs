//! The embedded engine (floor 6).
//!
//! Owns the runs of one data directory: their tasks ([`driver`]), how each
//! durable operation is recorded and done ([`perform`]) or replayed ([`replay`]),
//! timers, the registry of workflows, recovery and shutdown. What must always hold: runs belong to
//! the engine and not to whoever started them; nothing is acknowledged before
//! it is durable; the engine knows workflows by name and body alone.

mod adding;
mod checkpoint;
mod core;
mod driver;
mod enter;
mod error;
mod export;
mod flow;
mod held_up;
mod history;
mod hooks;
pub(crate) mod host;
mod inspect;
mod listing;
mod live;
mod operator;
mod outcome;
mod past;
mod perform;
mod recovery;
mod registry;
mod replay;
mod report;
mod requests;
mod schedule;
mod signal;
mod status;
mod stop;
mod timers;
mod verify;
mod watchdog;

pub use crate::run::Divergence;
#[cfg(any(test, fuzzing))]
pub(crate) use checkpoint::reread;
pub use checkpoint::{History, KeyInUse};
pub(crate) use core::Core;
pub use error::{Error, MissingStep, MissingWorkflow};
pub(crate) use export::Import;
pub use export::ImportError;
pub(crate) use held_up::{Undo, failed_step, not_undone, stuck_on};
pub use history::{Attempt, AttemptEnd, AttemptKind, HistoryEntry, RunHistory};
pub(crate) use hooks::{Hook, HooksOf};
pub(crate) use host::{Draw, GroupKind, Host, NewChild, Wake};
pub(crate) use listing::Filter;
pub use listing::{Cursor, ParseCursorError, RunPage};
pub(crate) use live::{Held, NextState, Seen, Shown, StateSeen, States, problem};
pub use outcome::{ChildError, Failure};
pub(crate) use outcome::{child_end, failure_of};
pub(crate) use recovery::{Options, open};
pub(crate) use registry::{BodyEnd, By, Entering, Misfit, Registry, Takes, Workflow};
pub use replay::{Awaited, DivergingRun, MissingFact, ReplayEnd, ReplayError, ReplayReport, Replayed};
pub(crate) use replay::{Bodies, Code, Records, of_export, of_history, replay, verify_replay};
pub use report::{Cut, OpenReport, Stats, TailEntry};
pub(crate) use requests::{NewRun, NewSignal, StartWith};
pub use schedule::Missed;
pub(crate) use schedule::Scheduled;
pub use status::{RunInfo, Status, Waiting, WaitingOn};
pub(crate) use verify::verify;
pub use verify::{VerifyProblem, VerifyReport};

/// Since when a run is in its state.
pub(crate) use crate::run::Since;

/// The result of an engine's methods.
pub type Result<T, E = Error> = std::result::Result<T, E>;
