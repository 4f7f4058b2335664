//! Durable workflows in process: async functions that survive a crash at any instant.
//!
//! A [`#[step]`](macro@step) is a function that acts on the world; a
//! [`#[saga]`](macro@saga) is an async function that awaits steps, other sagas,
//! [`sleep`](fn@sleep) and [`signal`](fn@signal). An [`Engine`] runs sagas on a
//! data directory: each finished step is a fact on disk and is never done
//! again. After a crash the next engine on the directory goes on with every
//! run; a saga that fails is undone, step by step, in reverse order.
//!
//! ```
//! use factum::prelude::*;
//!
//! #[step]
//! async fn greet(name: String) -> String {
//!     format!("hello, {name}")
//! }
//!
//! #[saga]
//! async fn welcome(name: String) -> String {
//!     greet(name).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path();
//! let engine = Engine::builder(path).saga(welcome).open().await?;
//! let greeting = engine.run(welcome("Ann".into())).id("visitor-1").await?;
//! assert_eq!(greeting, "hello, Ann");
//! engine.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! What is guaranteed and what is not stands in the README; how it works in
//! `ARCHITECTURE.md`; what is on disk in `FORMAT.md`.
//!
//! # Where the ideas come from
//! Sagas with compensations are those of H. Garcia-Molina and K. Salem ("Sagas",
//! SIGMOD 1987); the log with group commit that of J. Gray and A. Reuter
//! ("Transaction Processing", 1993); running workflow code by replaying its
//! recorded results is common to today's durable execution engines.
#![warn(missing_debug_implementations)]

#[cfg(test)]
extern crate self as factum;

mod codec;
mod engine;
mod fsm;
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

pub use codec::{ArtifactId, Blob, DecodeError, EncodeError, MAX_PAYLOAD, ParseArtifactIdError, Payload, PayloadError};
pub use engine::{
    Attempt, AttemptEnd, AttemptKind, Awaited, ChildError, Cursor, Cut, Divergence, DivergingRun, Error, Failure,
    History, HistoryEntry, ImportError, KeyInUse, Missed, MissingFact, MissingStep, MissingWorkflow, OpenReport,
    ParseCursorError, ReplayEnd, ReplayError, ReplayReport, Replayed, Result, RunHistory, RunInfo, RunPage, Stats,
    Status, TailEntry, VerifyProblem, VerifyReport, Waiting, WaitingOn,
};
pub use factum_macros::{checkpoint_store, fsm, saga, signal, state, step};
pub use fsm::{Fsm, FsmOn, Handler, HandlerReturn, Next, State, Transition, go};
pub use handle::{
    Builder, Cancelled, Completed, Diverged, Engine, Failed, FailedUndo, LeftUndo, ListRequest, Outcome, Paused,
    Poisoned, Progress, ReplayRequest, Run, RunError, RunRequest, Running, ScheduleInfo, ScheduleRequest,
    SignalRequest, SignalStartRequest, StartRequest, StateUpdate, Stuck, StuckReport, TypedStatus, Update, Watch,
    verify,
};
pub use id::{Lsn, MAX_RUN_ID, ParsePositionError, Part, Position, RunId};
#[cfg(feature = "file")]
pub use io::file;
#[cfg(feature = "http")]
pub use io::http;
#[cfg(feature = "process")]
pub use io::process;
pub use io::{
    CALL_TIMEOUT, Call, CallError, CallFailure, Calling, FactError, FromFactError, IdempotencyKey, Io, MAX_FACT_NAME,
    MIN_SECRET, NoApp, NoTransport, PatternError, Random, Redaction, Secret, SecretValue, Transport,
};
pub use ops::{
    All, Durable, Elapsed, Join, NewUuid, Now, Pause, Publish, Publishable, Race, RandomValue, Signal, SignalTimeout,
    SignalWait, Sleep, TryAll, Winner, all, days, hours, join, millis, minutes, now, pause, publish, race, random,
    seconds, signal, sleep, sleep_until, try_all, uuid,
};
pub use plan::{Diagram, WorkflowSig};
pub use platform::BoxFuture;
pub use record::{
    Carried, CarriedSignal, CarriedUndo, Cause, ChildEnd, Event, FactKey, ParseFactKeyError, Reason, RequestDigest,
    UndoKind,
};
pub use saga::{Again, Child, SagaCall, SagaFn, Spawn, Startable, again, diagram, spawn};
pub use step::{Never, Site, StepCall, StepFn, TimedOut};
pub use storage::{
    Batch, CheckpointError, CheckpointStore, Durability, JournalRow, KeyRange, MAX_KEY, MAX_TABLE_NAME, MAX_VALUE,
    MemoryCheckpoint, Op, Problem, RedbCheckpoint, StorageError, TableRow,
};
pub use storage::{CryptError, InvalidKeyId, KeyId, MAX_KEY_ID};
#[cfg(feature = "encrypt")]
pub use storage::{EncryptionKey, KeyError, KeyProvider, StaticKeys};
pub use time::Timestamp;
pub use uuid::Uuid;

pub mod prelude;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

/// What the fuzz targets call; in no other build.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;

/// What the macros' expansions name. Not for users; may change at any time.
#[doc(hidden)]
pub mod __private;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
