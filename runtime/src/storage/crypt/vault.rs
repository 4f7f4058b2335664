//! The cipher: XChaCha20-Poly1305 under the keys of one data directory.
//!
//! What must always hold: the bytes of a key are those that its first use has left a mark of in MANIFEST; keys stay in
//! this file, and are overwritten when the directory is let go.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};

use super::form::{NONCE, Parts, TAG};
use super::listed::{Listed, MAX_KEYS};
use super::{CryptError, Encryption, KeyId, KeyProvider, Nonce, Of, Unlocked};
use crate::id::Lsn;
use crate::platform::Entropy;
use crate::storage::StorageError;

/// Who gives keys.
#[derive(Clone)]
pub(crate) struct Provider(Arc<dyn KeyProvider>);

/// The keys of one data directory.
pub(crate) struct Vault {
    uuid: [u8; 16],
    keys: BTreeMap<KeyId, XChaCha20Poly1305>,
    current: KeyId,
    entropy: Arc<dyn Entropy>,
    /// What MANIFEST said, but for keys that are forgotten.
    before: Option<Encryption>,
    /// What it says.
    settled: OnceLock<Encryption>,
}

impl Provider {
    pub(crate) fn new(keys: impl KeyProvider) -> Provider {
        Provider(Arc::new(keys))
    }

    /// Asks for the keys of a directory; `manifest` says in words which MANIFEST it is that lists them.
    ///
    /// # Errors
    /// A provider that fails or lacks its current key; a key with other bytes than before.
    pub(in crate::storage) fn unlock(
        &self,
        entropy: &Arc<dyn Entropy>,
        uuid: [u8; 16],
        listed: Option<&Encryption>,
        manifest: String,
    ) -> Result<Unlocked, StorageError> {
        let in_words = |place: &str, source| StorageError::Encrypted { place: place.to_owned(), source };
        let unnamed = |error: super::KeyError| CryptError::Unnamed { reason: error.to_string() };
        let current = self.0.current().map_err(|e| in_words("what is to be written", unnamed(e)))?;
        let failed = |key: &KeyId, error: super::KeyError| {
            in_words(&manifest, CryptError::Provider { key: key.clone(), reason: error.to_string() })
        };
        let mut vault = Vault {
            uuid,
            keys: BTreeMap::new(),
            current,
            entropy: entropy.clone(),
            before: listed.cloned(),
            settled: OnceLock::new(),
        };
        let mut absent = Vec::new();
        for Listed { key, nonce, tag } in listed.map_or(&[][..], |listed| &listed.keys) {
            let Some(bytes) = self.0.key(key).map_err(|e| failed(key, e))? else {
                absent.push(key.clone());
                continue;
            };
            let cipher = XChaCha20Poly1305::new(bytes.bytes().into());
            let of = Of::Check { from: listed.map_or(Lsn(0), |listed| listed.from) }.associated(&uuid, key);
            if cipher.decrypt_inout_detached(nonce.into(), &of, InOutBuf::from(&mut [][..]), tag.into()).is_err() {
                return Err(in_words(&manifest, CryptError::WrongKey { key: key.clone() }));
            }
            vault.keys.insert(key.clone(), cipher);
        }
        if !vault.keys.contains_key(&vault.current) {
            let key = vault.current.clone();
            let bytes = self.0.key(&key).map_err(|e| failed(&key, e))?;
            let missing = || in_words("what is to be written", CryptError::MissingKey { key: key.clone() });
            let cipher = XChaCha20Poly1305::new(bytes.ok_or_else(missing)?.bytes().into());
            vault.keys.insert(key, cipher);
        }
        Ok(Unlocked::new(vault, absent))
    }
}

impl Vault {
    /// MANIFEST has listed these.
    #[cfg(test)]
    pub(super) fn was(&mut self, before: Option<Encryption>) {
        self.before = before;
    }

    /// These keys are not listed any more.
    pub(super) fn without(mut self, absent: &[KeyId]) -> Vault {
        if let Some(before) = &mut self.before {
            before.keys.retain(|listed| !absent.contains(&listed.key));
        }
        self
    }

    pub(super) fn nonces(&self, count: usize) -> Result<Vec<Nonce>, CryptError> {
        let mut nonces = vec![[0; NONCE]; count];
        let filled = self.entropy.fill(nonces.as_flattened_mut());
        filled.map_err(|error| CryptError::NoEntropy { reason: error.to_string() })?;
        Ok(nonces)
    }

    pub(super) fn extra(&self) -> u64 {
        (1 + self.current.as_str().len() + NONCE + TAG) as u64
    }

    pub(super) fn encrypt(
        &self,
        nonce: Nonce,
        of: &Of<'_>,
        out: &mut Vec<u8>,
        plain: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), CryptError> {
        let key = self.current.as_str().as_bytes();
        out.push(key.len() as u8);
        out.extend_from_slice(key);
        out.extend_from_slice(&nonce);
        let start = out.len();
        plain(out);
        let tag = self.tag(&self.current, nonce, of, &mut out[start..])?;
        out.extend_from_slice(&tag);
        Ok(())
    }

    fn tag(&self, key: &KeyId, nonce: Nonce, of: &Of<'_>, bytes: &mut [u8]) -> Result<[u8; TAG], CryptError> {
        let (of, len) = (of.associated(&self.uuid, key), bytes.len() as u64);
        let tag = self.cipher(key)?.encrypt_inout_detached(&nonce.into(), &of, InOutBuf::from(bytes));
        tag.map(Into::into).map_err(|_| CryptError::TooLarge { bytes: len })
    }

    pub(super) fn decrypt(&self, of: &Of<'_>, bytes: &[u8]) -> Result<Vec<u8>, CryptError> {
        let Parts { key, nonce, bytes, tag } = Parts::of(bytes)?;
        let mut plain = bytes.to_vec();
        let of = of.associated(&self.uuid, &key);
        let decrypted =
            self.cipher(&key)?.decrypt_inout_detached(nonce.into(), &of, InOutBuf::from(&mut plain[..]), tag.into());
        decrypted.map(|()| plain).map_err(|_| CryptError::Forged { key })
    }

    fn cipher(&self, key: &KeyId) -> Result<&XChaCha20Poly1305, CryptError> {
        self.keys.get(key).ok_or_else(|| CryptError::MissingKey { key: key.clone() })
    }

    pub(super) fn listed(&self) -> Option<&Encryption> {
        self.settled.get().or(self.before.as_ref())
    }

    /// The current key joins those that are listed.
    pub(super) fn settle(&self, last: Lsn) -> Result<Encryption, CryptError> {
        let mut settled = self.before.clone().unwrap_or(Encryption { from: Lsn(last.0 + 1), keys: Vec::new() });
        if !settled.keys().any(|key| *key == self.current) {
            if settled.keys.len() >= MAX_KEYS {
                return Err(CryptError::TooManyKeys { limit: MAX_KEYS });
            }
            for nonce in self.nonces(1)? {
                let tag = self.tag(&self.current, nonce, &Of::Check { from: settled.from }, &mut [])?;
                settled.keys.push(Listed { key: self.current.clone(), nonce, tag });
            }
        }
        Ok(self.settled.get_or_init(|| settled).clone())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider(..)")
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("current", &self.current).finish_non_exhaustive()
    }
}
