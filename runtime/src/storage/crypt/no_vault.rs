//! What stands in for the cipher without the feature `encrypt`: there can be none.

use std::sync::Arc;

use super::{CryptError, Encryption, KeyId, Nonce, Of, Unlocked};
use crate::id::Lsn;
use crate::platform::Entropy;
use crate::storage::StorageError;

/// No cipher.
#[derive(Debug)]
pub(crate) enum Vault {}

/// Nobody who gives keys.
#[derive(Debug, Clone)]
pub(crate) enum Provider {}

impl Provider {
    pub(in crate::storage) fn unlock(
        &self,
        _entropy: &Arc<dyn Entropy>,
        _uuid: [u8; 16],
        _listed: Option<&Encryption>,
        _manifest: String,
    ) -> Result<Unlocked, StorageError> {
        match *self {}
    }
}

impl Vault {
    pub(super) fn without(self, _absent: &[KeyId]) -> Vault {
        self
    }

    pub(super) fn nonces(&self, _count: usize) -> Result<Vec<Nonce>, CryptError> {
        match *self {}
    }

    pub(super) fn extra(&self) -> u64 {
        match *self {}
    }

    pub(super) fn encrypt(
        &self,
        _nonce: Nonce,
        _of: &Of<'_>,
        _out: &mut Vec<u8>,
        _plain: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), CryptError> {
        match *self {}
    }

    pub(super) fn decrypt(&self, _of: &Of<'_>, _bytes: &[u8]) -> Result<Vec<u8>, CryptError> {
        match *self {}
    }

    pub(super) fn listed(&self) -> Option<&Encryption> {
        match *self {}
    }

    pub(super) fn settle(&self, _last: Lsn) -> Result<Encryption, CryptError> {
        match *self {}
    }
}
