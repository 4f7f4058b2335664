//! Keys, and who gives them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroize;

use super::KeyId;

/// 32 bytes that encrypt and decrypt. Shown as `EncryptionKey(..)`, cannot be serialized, and overwritten in memory when
/// it is dropped.
#[derive(Clone)]
pub struct EncryptionKey([u8; 32]);

impl EncryptionKey {
    /// The key with these bytes, which should be random: a password is none, what a key derivation function makes of
    /// one may be.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> EncryptionKey {
        EncryptionKey(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for EncryptionKey {
    fn from(bytes: [u8; 32]) -> EncryptionKey {
        EncryptionKey(bytes)
    }
}

impl Drop for EncryptionKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

/// Why a key provider cannot answer.
pub type KeyError = Box<dyn Error + Send + Sync>;

/// Gives the keys with which a data directory is encrypted, by name.
///
/// It is asked while an engine is opened, and not later: which key is current, and for every key that the directory
/// lists. To rotate, let `current` name another key, keep the older ones, and open the engine anew: what is written
/// from then on is encrypted with the new key, what is there is read with the old ones. When
/// [`VerifyReport::keys`](crate::VerifyReport) no longer shows an old key, it can go.
///
/// It may block, as opening an engine does.
pub trait KeyProvider: Send + Sync + 'static {
    /// The name of the key with which is encrypted what is written from now on.
    ///
    /// # Errors
    /// When it cannot be told; the engine is not opened then.
    fn current(&self) -> Result<KeyId, KeyError>;

    /// The key with this name, always the same bytes; none if there is no such key (any more).
    ///
    /// # Errors
    /// When it cannot be told; the engine is not opened then.
    fn key(&self, id: &KeyId) -> Result<Option<EncryptionKey>, KeyError>;
}

impl<P: KeyProvider + ?Sized> KeyProvider for Arc<P> {
    fn current(&self) -> Result<KeyId, KeyError> {
        (**self).current()
    }

    fn key(&self, id: &KeyId) -> Result<Option<EncryptionKey>, KeyError> {
        (**self).key(id)
    }
}

/// Keys in memory: the current one, and older ones.
#[derive(Debug, Clone)]
pub struct StaticKeys {
    current: KeyId,
    keys: BTreeMap<KeyId, EncryptionKey>,
}

impl StaticKeys {
    /// One key, which is the current one.
    #[must_use]
    pub fn new(id: KeyId, key: EncryptionKey) -> StaticKeys {
        StaticKeys { current: id.clone(), keys: BTreeMap::from([(id, key)]) }
    }

    /// With an older key, for what is encrypted with it. The current key's name stays the current key's.
    #[must_use]
    pub fn older(mut self, id: KeyId, key: EncryptionKey) -> StaticKeys {
        self.keys.entry(id).or_insert(key);
        self
    }
}

impl KeyProvider for StaticKeys {
    fn current(&self) -> Result<KeyId, KeyError> {
        Ok(self.current.clone())
    }

    fn key(&self, id: &KeyId) -> Result<Option<EncryptionKey>, KeyError> {
        Ok(self.keys.get(id).cloned())
    }
}
