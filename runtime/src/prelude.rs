//! What a file with workflows wants: `use factum::prelude::*`.

pub use crate::Winner::{Eighth, Eleventh, Fifth, First, Fourth, Ninth, Second, Seventh, Sixth, Tenth, Third, Twelfth};
pub use crate::{
    Child, ChildError, Engine, Io, Next, Outcome, TimedOut, Winner, again, all, days, fsm, go, hours, join, millis,
    minutes, now, pause, publish, race, random, saga, seconds, signal, sleep, sleep_until, spawn, state, step, try_all,
    uuid,
};
