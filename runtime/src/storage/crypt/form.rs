//! The form of what is encrypted, and what a key ties it to.
//!
//! A byte, the length of the key's name; the name; a nonce; the bytes, encrypted; a tag.

use super::{CryptError, KeyId, MAX_KEY_ID};
use crate::id::Lsn;

/// The bytes of a nonce.
pub(super) const NONCE: usize = 24;
/// The bytes of a tag.
pub(super) const TAG: usize = 16;

/// A number that is used once: random.
pub(crate) type Nonce = [u8; NONCE];

/// What is encrypted, and where it stands: it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    /// The body of a record.
    Record { run: u64, lsn: Lsn, time: i64, kind: u8 },
    /// The value of a row in a table of the checkpoint.
    Row { table: &'a str, key: &'a [u8] },
    /// A blob, which may move.
    Blob { id: u64, schema: u64 },
    /// Nothing: shows that a key is the one that was used, and since when records are encrypted.
    Check { from: Lsn },
}

/// What stands first, so that no other program's bytes are taken for ours.
const DOMAIN: &[u8] = b"factum encrypted 1";

impl Of<'_> {
    /// The associated data: whatever stands in it, another one of it is other bytes.
    pub(super) fn associated(&self, uuid: &[u8; 16], key: &KeyId) -> Vec<u8> {
        let mut data = Vec::with_capacity(160);
        let put = |data: &mut Vec<u8>, bytes: &[u8]| {
            data.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            data.extend_from_slice(bytes);
        };
        put(&mut data, DOMAIN);
        data.extend_from_slice(uuid);
        put(&mut data, key.as_str().as_bytes());
        match self {
            Of::Record { run, lsn, time, kind } => {
                data.extend_from_slice(&[1, *kind]);
                [run.to_le_bytes(), lsn.0.to_le_bytes(), time.to_le_bytes()].iter().for_each(|n| data.extend(n));
            }
            Of::Row { table, key } => {
                data.push(2);
                put(&mut data, table.as_bytes());
                put(&mut data, key);
            }
            Of::Blob { id, schema } => {
                data.push(3);
                [id, schema].iter().for_each(|n| data.extend(n.to_le_bytes()));
            }
            Of::Check { from } => {
                data.push(4);
                data.extend_from_slice(&from.0.to_le_bytes());
            }
        }
        data
    }
}

/// The parts of what is encrypted.
pub(super) struct Parts<'a> {
    pub(super) key: KeyId,
    pub(super) nonce: &'a Nonce,
    pub(super) bytes: &'a [u8],
    pub(super) tag: &'a [u8; TAG],
}

impl<'a> Parts<'a> {
    pub(super) fn of(encrypted: &'a [u8]) -> Result<Parts<'a>, CryptError> {
        let parts = || {
            let (key, rest) = split_key(encrypted)?;
            let (nonce, rest) = rest.split_first_chunk()?;
            let (bytes, tag) = rest.split_last_chunk()?;
            Some(Parts { key, nonce, bytes, tag })
        };
        parts().ok_or(CryptError::Malformed)
    }
}

fn split_key(encrypted: &[u8]) -> Option<(KeyId, &[u8])> {
    let (&len, rest) = encrypted.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(len))?;
    Some((KeyId::new(std::str::from_utf8(name).ok()?).ok()?, rest))
}

/// The key that encrypted bytes name, of which the first 65 are enough.
///
/// # Errors
/// [`CryptError::Malformed`].
pub(crate) fn key_of(encrypted: &[u8]) -> Result<KeyId, CryptError> {
    split_key(encrypted).map(|(key, _)| key).ok_or(CryptError::Malformed)
}

/// The bytes in which [`key_of`] finds any key's name.
pub(crate) const KEY_BYTES: usize = 1 + MAX_KEY_ID;
