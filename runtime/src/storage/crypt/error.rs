//! Why something encrypted cannot be had.

use super::{KeyId, MAX_KEY_ID};
use crate::id::Lsn;

/// Why something encrypted cannot be read, or cannot be written. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptError {
    /// There are no keys.
    #[error("it is encrypted: build with feature `encrypt` and give `Builder::encrypt(..)`")]
    NoKeys,
    /// The key provider does not have a key.
    #[error("the key provider does not have the key `{key}`")]
    MissingKey {
        /// The key's name.
        key: KeyId,
    },
    /// The key provider has other bytes for a key than those that were used before.
    #[error("what the key provider has for the key `{key}` is another key")]
    WrongKey {
        /// The key's name.
        key: KeyId,
    },
    /// The key provider failed.
    #[error("the key provider cannot give the key `{key}`: {reason}")]
    Provider {
        /// The key's name.
        key: KeyId,
        /// What it said.
        reason: String,
    },
    /// The key provider cannot say which key is the current one.
    #[error("the key provider cannot name its current key: {reason}")]
    Unnamed {
        /// What it said.
        reason: String,
    },
    /// The bytes are intact, but were not encrypted there with that key: they were changed or moved by somebody who
    /// mended the checksum.
    #[error("it was not encrypted there with the key `{key}`: somebody has changed it, or moved it from elsewhere")]
    Forged {
        /// The key that it names.
        key: KeyId,
    },
    /// Something is plain that was written after the directory was encrypted.
    #[error("it is not encrypted, as everything from LSN {from} on must be: somebody has put it there")]
    Plain {
        /// The first record that is encrypted.
        from: Lsn,
    },
    /// The bytes are none that are encrypted.
    #[error(
        "it does not have the form of what is encrypted: the name of a key of at most {MAX_KEY_ID} bytes, a nonce, and what the key hides"
    )]
    Malformed,
    /// There were no random bytes.
    #[error("no random bytes to encrypt with: {reason}")]
    NoEntropy {
        /// What the operating system said.
        reason: String,
    },
    /// The directory has been encrypted with as many keys as it can list.
    #[error(
        "the data directory lists {limit} keys, which is the most: take those that are no longer used from the key provider"
    )]
    TooManyKeys {
        /// The most that can be listed.
        limit: usize,
    },
    /// A value is larger than can be encrypted at once.
    #[error("{bytes} bytes are too many to be encrypted at once")]
    TooLarge {
        /// How large it is.
        bytes: u64,
    },
}
