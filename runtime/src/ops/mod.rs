//! What a body can await (floor 7).
//!
//! Owns [`Durable`], the one trait of everything that a saga can wait for, and
//! the operations that are neither steps nor sagas: groups of others ([`join`],
//! [`all`], [`race`]), timers, signals, values of the world, and what a run tells
//! of itself. What must always hold: an operation takes its position when it is
//! awaited, never when it is built, and one that is dropped without being
//! awaited leaves no trace.

mod against;
mod all;
mod branches;
mod durable;
mod join;
mod pause;
mod publish;
mod race;
mod signal;
mod sleep;
mod step;
mod value;

pub(crate) use against::against;
pub use all::{All, TryAll, all, try_all};
pub use durable::{Cx, Durable, durable};
pub use join::{Join, join};
pub use pause::{Pause, pause};
pub use publish::{Publish, Publishable, publish};
pub use race::{Race, Winner, race};
pub use signal::{Elapsed, Signal, SignalTimeout, SignalWait, signal};
pub use sleep::{Sleep, days, hours, millis, minutes, seconds, sleep, sleep_until};
pub use value::{NewUuid, Now, RandomValue, now, random, uuid};
