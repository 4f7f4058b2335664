//! What a file with workflows wants: `use factum::prelude::*`.
pub use crate::{Io, TimedOut, days, hours, millis, minutes, saga, seconds, signal, sleep, step};
