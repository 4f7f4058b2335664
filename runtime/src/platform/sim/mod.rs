//! The other side of the doors, for tests: a disk in memory that forgets at a
//! crash what was not synced, and a file system that fails, waits and tells.
//!
//! What must always hold: a crash keeps what was synced, and of the rest any
//! part, as the dice fall.

mod fault;
mod memory;

pub(crate) use fault::{Fail, FaultFs, Op, PATIENCE};
pub(crate) use memory::{Dice, MemoryFs};
