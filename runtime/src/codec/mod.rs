//! Values to bytes and back (floor 0).
//!
//! Owns the JSON form of every user value ([`encode`], [`decode`]), the
//! byte-level reader and writer that records are made with ([`wire`]) and
//! digests ([`Digest`]). What must always hold: what `encode_checked` accepts,
//! `decode` gives back; a length that was read is checked against the bytes that are
//! there before anything is allocated for it.

mod artifact;
mod blob;
mod digest;
mod hash;
mod json_text;
mod payload;
mod recordable;
mod rename;
mod strict;
pub(crate) mod wire;

use std::cell::Cell;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use artifact::{ArtifactId, ParseArtifactIdError};
pub use blob::Blob;
pub(crate) use blob::{BlobAt, BlobError, BlobSource, NamedBlob};
pub(crate) use digest::{Digest, DigestOf, canonical_of};
pub(crate) use json_text::{scalar_len, string_len};
pub use payload::{Payload, PayloadError};
pub use recordable::Recordable;
pub(crate) use strict::words;

/// The most bytes that one recorded value may have: 16 MiB.
pub const MAX_PAYLOAD: usize = 16 << 20;

/// What has more bytes stands in the arena, and not in a record: 64 KiB.
pub(crate) const INLINE_LIMIT: usize = 64 << 10;

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
    /// Why the value's bytes could not be had, if that is the reason.
    pub(crate) storage: Option<BlobError>,
}

impl DecodeError {
    pub(crate) fn new(expected: &'static str, reason: impl ToString) -> DecodeError {
        DecodeError { expected, reason: reason.to_string(), storage: None }
    }

    fn unreadable(expected: &'static str, error: BlobError) -> DecodeError {
        DecodeError { expected, reason: error.to_string(), storage: Some(error) }
    }
}

/// The JSON text of a value.
///
/// # Errors
/// When JSON cannot hold it: a float that is not finite, a map key that is no
/// string or number, a `Serialize` that fails, more than [`MAX_PAYLOAD`] bytes.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Payload, EncodeError> {
    text(value, |bytes, blobs| {
        if bytes.len() > MAX_PAYLOAD {
            let reason = format!("its JSON has {} bytes, more than the limit of {MAX_PAYLOAD}", bytes.len());
            return Err(EncodeError { reason });
        }
        Ok(Payload::encoded(bytes, blobs, std::any::type_name::<T>()))
    })
}

/// A hash of a value's JSON in which the order of a map's entries does not
/// count, as a `HashMap`'s is another one in every process. A blob counts by its
/// bytes: its id is another one where the run is imported.
///
/// # Errors
/// When JSON cannot hold the value; its size does not matter.
pub(crate) fn hash<T: Serialize + ?Sized>(value: &T) -> Result<u64, EncodeError> {
    text(value, |json, blobs| match &*blobs {
        [] => Ok(hash::hash(json)),
        blobs => Ok(hash::hash(&rename::rename(json, |id| blob::content(blobs, id)).json)),
    })
}

thread_local! {
    /// A buffer for the next text. A value that encodes another one, while it is encoded, finds none.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Gives `with` the JSON text of a value and the blobs in it.
fn text<T: Serialize + ?Sized, R>(
    value: &T,
    with: impl FnOnce(&[u8], Vec<NamedBlob>) -> Result<R, EncodeError>,
) -> Result<R, EncodeError> {
    /// What is kept of a buffer for the next value.
    const KEPT: usize = 64 << 10;
    let mut bytes = BUFFER.take();
    bytes.clear();
    let (encoded, blobs) = blob::collect(|| {
        let mut json = serde_json::Serializer::new(&mut bytes);
        value.serialize(strict::Strict(&mut json)).map_err(|e| EncodeError { reason: e.to_string() })
    });
    let result = encoded.and_then(|()| with(&bytes, blobs));
    if bytes.capacity() <= KEPT {
        BUFFER.set(bytes);
    }
    result
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
    let expected = std::any::type_name::<T>();
    let json = payload.bytes().map_err(|error| DecodeError::unreadable(expected, error.0))?;
    let (decoded, failed) = blob::offer(payload.blobs(), || serde_json::from_slice(json));
    decoded.map_err(|error| match failed {
        Some(failed) => DecodeError::unreadable(expected, failed),
        None => DecodeError::new(expected, error),
    })
}

#[cfg(test)]
mod tests;
