//! Encryption at rest: bodies of records, rows that hold values, and blobs.
//!
//! Owns the form of what is encrypted ([`form`]), who gives keys ([`key`], feature `encrypt`), the list of keys in
//! MANIFEST ([`listed`]) and the cipher itself ([`vault`]; without the feature one that can never be made). What must
//! always hold: no nonce is used twice; a key is named in MANIFEST, durably, before anything is encrypted with it; what
//! was changed, moved or put there by somebody without the key does not open; checksums are over what is on disk, so
//! that damage can be told without a key.

mod error;
#[cfg_attr(not(feature = "encrypt"), allow(dead_code, reason = "some of it is for those who encrypt"))]
mod form;
mod id;
#[cfg(feature = "encrypt")]
mod key;
#[cfg_attr(not(feature = "encrypt"), allow(dead_code, reason = "some of it is for those who encrypt"))]
mod listed;
#[cfg(test)]
mod tests;
#[cfg_attr(not(feature = "encrypt"), path = "no_vault.rs")]
mod vault;

use std::borrow::Cow;
use std::sync::Arc;

pub use self::error::CryptError;
pub(crate) use self::form::{KEY_BYTES, Nonce, Of, key_of};
pub use self::id::{InvalidKeyId, KeyId, MAX_KEY_ID};
#[cfg(feature = "encrypt")]
pub use self::key::{EncryptionKey, KeyError, KeyProvider, StaticKeys};
pub(crate) use self::listed::Encryption;
pub(crate) use self::vault::{Provider, Vault};
use crate::id::Lsn;

/// The most bytes that encrypted bytes have more than plain ones.
pub(crate) const MOST_EXTRA: u64 = (1 + MAX_KEY_ID + form::NONCE + form::TAG) as u64;

/// What encrypts and decrypts in an open data directory; nothing, if it is not encrypted. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cipher(Option<Arc<Vault>>);

/// The keys of a directory, before anything of it is opened.
#[derive(Debug, Default)]
pub(crate) struct Unlocked {
    vault: Option<Vault>,
    /// Keys that MANIFEST lists and the provider does not have.
    pub(crate) absent: Vec<KeyId>,
}

impl Unlocked {
    #[cfg(feature = "encrypt")]
    fn new(vault: Vault, absent: Vec<KeyId>) -> Unlocked {
        Unlocked { vault: Some(vault), absent }
    }

    /// The cipher. Keys that are absent are forgotten: nothing is encrypted with them any more.
    pub(crate) fn into_cipher(self) -> Cipher {
        let Unlocked { vault, absent } = self;
        Cipher(vault.map(|vault| Arc::new(vault.without(&absent))))
    }
}

impl Cipher {
    /// Whether what is written is encrypted.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Random nonces, one for each thing that is to be encrypted; none if nothing is.
    ///
    /// # Errors
    /// [`CryptError::NoEntropy`].
    pub(crate) fn nonces(&self, count: usize) -> Result<Vec<Nonce>, CryptError> {
        self.0.as_ref().map_or_else(|| Ok(Vec::new()), |vault| vault.nonces(count))
    }

    /// How many bytes are added to what is encrypted.
    pub(crate) fn extra(&self) -> u64 {
        self.0.as_ref().map_or(0, |vault| vault.extra())
    }

    /// Appends what `plain` appends, encrypted with the current key.
    ///
    /// # Errors
    /// [`CryptError::NoKeys`] of a directory that is not encrypted.
    pub(crate) fn encrypt(
        &self,
        nonce: Nonce,
        of: &Of<'_>,
        out: &mut Vec<u8>,
        plain: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), CryptError> {
        self.vault()?.encrypt(nonce, of, out, plain)
    }

    /// What was encrypted.
    ///
    /// # Errors
    /// When there are no keys, or not this one; when the bytes were not encrypted there, with this key.
    pub(crate) fn decrypt(&self, of: &Of<'_>, bytes: &[u8]) -> Result<Vec<u8>, CryptError> {
        self.vault()?.decrypt(of, bytes)
    }

    /// The body of a record, which says of itself whether it is encrypted.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt), and [`CryptError::Plain`].
    pub(crate) fn body<'b>(&self, of: &Of<'_>, encrypted: bool, body: &'b [u8]) -> Result<Cow<'b, [u8]>, CryptError> {
        if encrypted {
            return self.decrypt(of, body).map(Cow::Owned);
        }
        match (of, self.from()) {
            (Of::Record { lsn, .. }, Some(from)) if *lsn >= from => Err(CryptError::Plain { from }),
            _ => Ok(Cow::Borrowed(body)),
        }
    }

    /// Whether a row may be plain: the directory has rows that were written before it was encrypted.
    ///
    /// # Errors
    /// [`CryptError::Plain`].
    pub(crate) fn may_be_plain(&self) -> Result<(), CryptError> {
        match self.from() {
            Some(from) if from <= Lsn(1) => Err(CryptError::Plain { from }),
            _ => Ok(()),
        }
    }

    /// Records from here on are encrypted; none if none need be.
    fn from(&self) -> Option<Lsn> {
        self.0.as_ref().and_then(|vault| vault.listed()).map(|listed| listed.from)
    }

    /// The log ends at `last`: what MANIFEST says from now on. None for a directory that is not encrypted.
    ///
    /// # Errors
    /// [`CryptError::NoEntropy`], [`CryptError::TooManyKeys`].
    pub(crate) fn settle(&self, last: Lsn) -> Result<Option<Encryption>, CryptError> {
        self.0.as_ref().map(|vault| vault.settle(last)).transpose()
    }

    /// What MANIFEST says of the keys.
    pub(crate) fn listed(&self) -> Option<Encryption> {
        self.0.as_ref().and_then(|vault| vault.listed()).cloned()
    }

    fn vault(&self) -> Result<&Vault, CryptError> {
        self.0.as_deref().ok_or(CryptError::NoKeys)
    }
}
