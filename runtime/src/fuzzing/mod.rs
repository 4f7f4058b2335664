//! What the fuzz targets call (side): each takes any bytes, and panics when something that must always hold does not.
//!
//! Owns the meaning of those bytes: a body or row ([`record`]), changes to the files of a data directory
//! ([`recovery`]), a program for the arena ([`arena`]). Nothing imports it. What must always hold: the same bytes do
//! the same, so that a case that was found once stays found; it runs in one thread and touches no disk.

mod arena;
mod directory;
mod forged;
mod input;
mod record;
mod recovery;
mod turns;

pub use arena::arena;
pub use record::record;
pub use recovery::recovery;

#[cfg(test)]
mod tests;
