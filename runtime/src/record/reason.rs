//! Why a machine has entered a state.

use std::fmt;

use super::Name;

/// What had a run enter a state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The handler of the state before went there, without a signal.
    Handler,
    /// It went there, and a signal was the last one that it took.
    Signal {
        /// The signal's name.
        name: Name,
    },
    /// A timeout of the state before, or of a group that it is in.
    Timeout {
        /// The group.
        group: Option<Name>,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Handler => f.write_str("its handler"),
            Reason::Signal { name } => write!(f, "signal `{name}`"),
            Reason::Timeout { group: None } => f.write_str("its timeout"),
            Reason::Timeout { group: Some(group) } => write!(f, "the timeout of `{group}`"),
        }
    }
}
