//! Idempotency keys.

use std::fmt;

use super::Ask;
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
        match redone {
            0 => Self::of(&[b"factum key 1", origin, &run, at.as_bytes()]),
            _ => Self::of(&[b"factum key 2", origin, &run, &redone.to_le_bytes(), at.as_bytes()]),
        }
    }

    /// The key of a call in the step that this is the key of: of the same request, in the same place among those that are equal.
    pub(crate) fn of_call(&self, ask: &Ask) -> Self {
        let nth = ask.nth.to_le_bytes();
        Self::of(&[b"factum key of a call 1", self.0.as_bytes(), ask.request.as_bytes(), &nth, ask.name.as_bytes()])
    }

    /// The key that is the digest of some bytes.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut text = Digest::of_bytes(parts).to_string();
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
