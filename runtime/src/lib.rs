//! Durable workflows in process.
#![warn(missing_debug_implementations)]

mod codec;
mod engine;
mod handle;
mod id;
mod io;
mod journal;
mod ops;
mod plan;
mod platform;
mod record;
mod run;
mod saga;
mod step;
mod storage;
mod time;

pub use codec::{DecodeError, EncodeError, MAX_PAYLOAD, Payload};
pub use engine::{
    Cut, Error, HistoryEntry, MissingStep, MissingWorkflow, OpenReport, Result, RunInfo, Stats, Status, Waiting, WaitingOn,
};
pub use factum_macros::{saga, signal, step};
pub use handle::{
    Builder, Cancelled, Completed, Diverged, Engine, Failed, Failure, Outcome, Paused, Poisoned, Run, RunError,
    RunRequest, Running, SignalRequest, StartRequest, State, Stuck,
};
pub use id::{Lsn, MAX_RUN_ID, Part, Position, RunId};
pub use io::{IdempotencyKey, Io, NoApp};
pub use ops::{Durable, Signal, SignalWait, Sleep, days, hours, millis, minutes, seconds, signal, sleep};
pub use record::{Cause, Event, UndoKind};
pub use saga::{SagaCall, SagaFn};
pub use step::{Never, Site, StepCall, TimedOut};
pub use storage::{Durability, WalError};
pub use time::Timestamp;

pub mod prelude;

/// What the macros' expansions name. Not for users; may change at any time.
#[doc(hidden)]
pub mod __private;
