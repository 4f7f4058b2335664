//! Names of keys.

use std::fmt;
use std::str::FromStr;

/// The most bytes that a key's name may have.
pub const MAX_KEY_ID: usize = 64;

/// The name of a key: 1 to 64 bytes of text without control characters. It is no secret: everything that is encrypted
/// names its key, and so do errors.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// A text that is no [`KeyId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key's name has 1 to {MAX_KEY_ID} bytes and no control characters")]
pub struct InvalidKeyId;

impl KeyId {
    /// A key's name.
    ///
    /// # Errors
    /// When it is empty, has more than 64 bytes, or control characters.
    pub fn new(name: impl Into<String>) -> Result<KeyId, InvalidKeyId> {
        let name = name.into();
        match (1..=MAX_KEY_ID).contains(&name.len()) && !name.chars().any(char::is_control) {
            true => Ok(KeyId(name)),
            false => Err(InvalidKeyId),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(name: &str) -> Result<KeyId, InvalidKeyId> {
        KeyId::new(name)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
