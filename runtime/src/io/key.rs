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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RequestDigest;

    /// By `FORMAT.md`: whoever was sent one of these knows it for ever. The digits are of another tool.
    #[test]
    fn keys_are_the_ones_that_are_laid_down() {
        let origin: [u8; 16] = std::array::from_fn(|n| n as u8);
        let at = Position::root(0).child(2);
        let key = IdempotencyKey::new(&origin, 7, &at, 0);
        assert_eq!(key.as_str(), "11222cb4d6660b989f6da60f9217fe20");
        assert_eq!(IdempotencyKey::new(&origin, 7, &at, 3).as_str(), "f254bad3e829adb7d2f3491c4ea2a234");
        let request = RequestDigest(Digest([9; 32]));
        let asked = String::new();
        let ask = Ask { name: "call:http".into(), request, nth: 2, alone: true, asked, effect: true };
        assert_eq!(key.of_call(&ask).as_str(), "e04d8bebc5ab75912120f1622a451e9f");
    }
}
