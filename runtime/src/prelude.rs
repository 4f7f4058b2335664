//! What a file with workflows wants: `use factum::prelude::*`.

pub use crate::{Engine, Io, Outcome, TimedOut, days, hours, millis, minutes, saga, seconds, signal, sleep, step};
