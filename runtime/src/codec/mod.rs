//! Values to bytes and back (floor 0).
//!
//! Owns the JSON form of every user value ([`encode`], [`decode`]), the
//! byte-level reader and writer that records are made with ([`wire`]) and
//! digests ([`Digest`]). What must always hold: what `encode_checked` accepts,
//! `decode` gives back; a length that was read is checked against the bytes that are
//! there before anything is allocated for it.

mod blob;
mod digest;
mod hash;
mod json_text;
mod strict;
pub(crate) mod wire;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use blob::Blob;
pub(crate) use blob::BlobAt;
pub(crate) use digest::Digest;

/// The most bytes that one recorded value may have: 16 MiB.
pub const MAX_PAYLOAD: usize = 16 << 20;

/// A user's value as JSON text. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Arc<[u8]>);

impl Payload {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Payload {
        Payload(bytes.into())
    }

    /// The JSON text's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The JSON text; bytes that are no UTF-8 are shown as `\u{FFFD}`.
    #[must_use]
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// A value that cannot be recorded.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct EncodeError {
    reason: String,
}

impl EncodeError {
    pub(crate) fn no_value(reason: impl Into<String>) -> Self {
        EncodeError { reason: reason.into() }
    }

    /// What was encoded does not decode.
    #[doc(hidden)]
    #[must_use]
    pub fn unreadable(error: DecodeError) -> Self {
        EncodeError { reason: format!("its JSON cannot be read back: {error}") }
    }
}

/// A recorded value that is not what the code expects.
#[derive(Debug, Clone, thiserror::Error)]
#[error("expected a `{expected}`: {reason}")]
pub struct DecodeError {
    expected: &'static str,
    reason: String,
}

/// The JSON text of a value.
///
/// # Errors
/// When JSON cannot hold it: a float that is not finite, a map key that is no
/// string or number, a `Serialize` that fails, more than [`MAX_PAYLOAD`] bytes.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Payload, EncodeError> {
    let bytes = text(value)?;
    if bytes.len() > MAX_PAYLOAD {
        let reason = format!("its JSON has {} bytes, more than the limit of {MAX_PAYLOAD}", bytes.len());
        return Err(EncodeError { reason });
    }
    Ok(Payload(bytes.into()))
}

/// A hash of a value's JSON in which the order of a map's entries does not
/// count, as a `HashMap`'s is another one in every process.
///
/// # Errors
/// When JSON cannot hold the value; its size does not matter.
pub(crate) fn hash<T: Serialize + ?Sized>(value: &T) -> Result<u64, EncodeError> {
    text(value).map(|json| hash::hash(&json))
}

fn text<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(128);
    let mut json = serde_json::Serializer::new(&mut bytes);
    value.serialize(strict::Strict(&mut json)).map_err(|e| EncodeError { reason: e.to_string() })?;
    Ok(bytes)
}

/// The JSON text of a value, and the value that it decodes to.
///
/// # Errors
/// As [`encode`]; also when the text cannot be decoded again, so that nothing
/// is recorded that could not be read.
pub(crate) fn encode_checked<T: Serialize + DeserializeOwned>(value: &T) -> Result<(Payload, T), EncodeError> {
    let payload = encode(value)?;
    let decoded = decode(&payload).map_err(EncodeError::unreadable)?;
    Ok((payload, decoded))
}

/// The value of a JSON text.
///
/// # Errors
/// When the text is not that of a `T`.
pub(crate) fn decode<T: DeserializeOwned>(payload: &Payload) -> Result<T, DecodeError> {
    serde_json::from_slice(payload.as_bytes())
        .map_err(|e| DecodeError { expected: std::any::type_name::<T>(), reason: e.to_string() })
}

#[cfg(test)]
mod tests;
