//! A run as JSON Lines, to be read by people and to go on elsewhere (see `FORMAT.md`).
//!
//! Owns the form of the lines ([`lines`]), how a run becomes lines ([`write`]),
//! and how lines become a run: read and checked as a whole first ([`read`]),
//! then recorded ([`import`]). What must always hold: an export holds every
//! durable record of the run, with the bytes of every blob that they name; of
//! an import in which anything is wrong nothing is recorded.

mod error;
mod import;
mod lines;
mod read;
mod write;

pub use error::ImportError;
pub(crate) use read::Import;

#[cfg(test)]
mod tests;
