//! What a program answered, as it is recorded.

use std::fmt;
use std::str::Utf8Error;

use serde::{Deserialize, Serialize};

use crate::io::content::Content;

/// How a program ended that ended by itself, and what it printed.
///
/// Any exit code is an answer, and a fact. Output of more than 64 KiB stands in the arena.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessResponse {
    pub(super) code: i32,
    pub(super) stdout: Content,
    pub(super) stderr: Content,
}

impl ProcessResponse {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.code
    }

    /// Whether the exit code is 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == 0
    }

    /// What it printed to its standard output.
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        self.stdout.bytes()
    }

    /// What it printed to its standard error.
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        self.stderr.bytes()
    }

    /// What it printed to its standard output, as text.
    ///
    /// # Errors
    /// When it is no UTF-8: the same on every attempt.
    pub fn text(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(self.stdout())
    }
}

impl fmt::Debug for ProcessResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProcessResponse({}, {:?}, {:?})", self.code, self.stdout, self.stderr)
    }
}
