//! The public face of an engine and its runs (floor 8).
//!
//! Owns what a program holds in its hand: [`Builder`], [`Engine`], [`Run`] and
//! its typed outcomes. What must always hold: a handle's type never claims a
//! status that is not durable in the journal; none of them can be made by a
//! user, deserialized or otherwise.

mod builder;
mod engine;
mod failure;
mod held_up;
mod link;
mod list;
mod outcome;
mod replay;
mod request;
mod run;
mod schedule;
mod signal;
#[cfg(test)]
mod tests;
mod verify;
mod watch;

pub use self::verify::verify;
pub use builder::Builder;
pub use engine::Engine;
pub use failure::RunError;
pub use held_up::{FailedUndo, LeftUndo, StuckReport};
pub use list::ListRequest;
pub use outcome::Outcome;
pub use replay::ReplayRequest;
pub use request::{RunRequest, StartRequest};
pub use run::{Cancelled, Completed, Diverged, Failed, Paused, Poisoned, Run, Running, Stuck, TypedStatus};
pub use schedule::{ScheduleInfo, ScheduleRequest};
pub use signal::{SignalRequest, SignalStartRequest};
pub use watch::{Progress, StateUpdate, Update, Watch};
