//! A difference between the code and the records of a run, in words.

use std::fmt;

use crate::id::Position;

/// Where the code does not match what a run has recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Divergence {
    /// Where in the run.
    pub at: Position,
    /// The place in the code.
    pub site: String,
    /// What is recorded.
    pub expected: String,
    /// What the code does.
    pub found: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Divergence { at, site, expected, found } = self;
        write!(f, "at {at}, {site}: recorded {expected}, but the code {found}")
    }
}
