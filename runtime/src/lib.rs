//! Durable workflows in process.
extern crate self as factum;

mod codec;
mod engine;
mod id;
mod io;
mod ops;
mod plan;
mod platform;
mod record;
mod run;
mod saga;
mod step;
mod time;

pub use factum_macros::{saga, signal, step};
pub use io::{IdempotencyKey, Io, NoApp};
pub use ops::{Durable, Signal, SignalWait, Sleep, days, hours, millis, minutes, seconds, signal, sleep};
pub use saga::SagaCall;
pub use step::{Never, StepCall, TimedOut};

pub mod prelude;

/// What the macros' expansions name. Not for users; may change at any time.
#[doc(hidden)]
pub mod __private;
