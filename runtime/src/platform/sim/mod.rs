//! The other side of the doors, for tests: a machine on one thread, from one seed, on a disk that forgets, fails and
//! tells.
//!
//! What must always hold: the same seed and the same code do the same; what a sync made durable is there after every
//! crash, and of the rest any part, as the dice fall.

mod dice;
mod disk;
mod doors;
mod machine;
mod schedule;

pub use self::dice::Dice;
#[cfg(test)]
pub(crate) use self::disk::PATIENCE;
pub use self::disk::{Disk, Fail, Fault, Kind, Loss, Op, Raw};
pub use self::machine::Sim;

#[cfg(test)]
mod tests;
