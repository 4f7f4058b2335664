//! What a body can await (floor 7).
//!
//! Owns [`Durable`], the one trait of everything that a saga can wait for, and
//! the operations that are no steps: [`sleep`] and [`signal`]. What must
//! always hold: an operation takes its position when it is awaited, never when
//! it is built, and one that is dropped without being awaited leaves no trace.

mod durable;
mod signal;
mod sleep;
mod step;

pub use durable::{Cx, Durable, durable};
pub use signal::{Signal, SignalWait, signal};
pub use sleep::{Sleep, days, hours, millis, minutes, seconds, sleep};
