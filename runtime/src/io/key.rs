//! Idempotency keys.

use std::fmt;

use crate::codec::Digest;
use crate::id::Position;

/// Names one step of one run, to whoever must not act twice: 32 hexadecimal digits.
///
/// The digest of the data directory's UUID, the run, the visit and the
/// position. The same on every attempt and after every crash; not repeated in
/// another engine, run, visit or step.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// The key of the operation at `at` in the run that was started as number
    /// `run` in the data directory `origin`; `redone` is how often it was begun anew after it had been undone.
    pub(crate) fn new(origin: &[u8; 16], run: u64, at: &Position, redone: u32) -> Self {
        let run = run.to_le_bytes();
        let digest = match redone {
            0 => Digest::of_bytes(&[b"factum key 1", origin, &run, at.as_bytes()]),
            _ => Digest::of_bytes(&[b"factum key 2", origin, &run, &redone.to_le_bytes(), at.as_bytes()]),
        };
        let mut text = digest.to_string();
        text.truncate(32);
        IdempotencyKey(text.into())
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for IdempotencyKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({})", self.0)
    }
}
