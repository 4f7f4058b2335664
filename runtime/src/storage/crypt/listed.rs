//! The keys that MANIFEST lists: every key that something in the directory may be encrypted with.

use super::form::{NONCE, TAG};
use super::{KeyId, Nonce};
use crate::id::Lsn;

/// The most keys that are listed.
pub(super) const MAX_KEYS: usize = 256;

/// What MANIFEST says of encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encryption {
    /// Every record from this one on is encrypted.
    pub(crate) from: Lsn,
    /// The keys, in the order in which they came into use.
    pub(super) keys: Vec<Listed>,
}

/// A key, and what shows that it is the one: nothing, encrypted with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: KeyId,
    pub(super) nonce: Nonce,
    pub(super) tag: [u8; TAG],
}

impl Encryption {
    /// The names of the keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.iter().map(|listed| &listed.key)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.from.0.to_le_bytes().to_vec();
        bytes.extend_from_slice(&(self.keys.len() as u32).to_le_bytes());
        for Listed { key, nonce, tag } in &self.keys {
            bytes.push(key.as_str().len() as u8);
            bytes.extend_from_slice(key.as_str().as_bytes());
            bytes.extend_from_slice(nonce);
            bytes.extend_from_slice(tag);
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote, to the last byte; `None` when it is none.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Encryption> {
        let (from, rest) = bytes.split_first_chunk()?;
        let (count, mut rest) = rest.split_first_chunk()?;
        let mut keys = Vec::new();
        for _ in 0..u32::from_le_bytes(*count) {
            let (&len, after) = rest.split_first()?;
            let (name, after) = after.split_at_checked(usize::from(len))?;
            let (nonce, after) = after.split_first_chunk::<NONCE>()?;
            let (tag, after) = after.split_first_chunk::<TAG>()?;
            let key = KeyId::new(std::str::from_utf8(name).ok()?).ok()?;
            keys.push(Listed { key, nonce: *nonce, tag: *tag });
            rest = after;
        }
        rest.is_empty().then_some(Encryption { from: Lsn(u64::from_le_bytes(*from)), keys })
    }
}
