//! Bytes that a transport was answered with, as JSON holds them.
//!
//! What must always hold: they stand in a record as text, or as base64 where they are none, and above the inline limit
//! in the arena.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Call;
use crate::codec::{Blob, INLINE_LIMIT};
use crate::storage::StorageError;

/// Bytes that were answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Content {
    Text(String),
    Base64(#[serde(with = "base64_text")] Vec<u8>),
    Blob(Blob),
}

impl Content {
    /// Bytes that stay where they are.
    pub(super) fn inline(bytes: Vec<u8>) -> Content {
        String::from_utf8(bytes).map_or_else(|error| Content::Base64(error.into_bytes()), Content::Text)
    }

    /// Bytes that are to be recorded: above the inline limit they go into the arena.
    ///
    /// # Errors
    /// As [`Call::put`].
    pub(super) async fn put(bytes: Vec<u8>, call: &Call) -> Result<Content, StorageError> {
        if bytes.len() > INLINE_LIMIT { call.put(bytes).await.map(Content::Blob) } else { Ok(Content::inline(bytes)) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Content::Text(text) => text.as_bytes(),
            Content::Base64(bytes) => bytes,
            Content::Blob(blob) => blob,
        }
    }

    /// The blob, if it is one.
    #[cfg(any(feature = "http", feature = "file"))]
    pub(super) fn blob(&self) -> Option<&Blob> {
        match self {
            Content::Blob(blob) => Some(blob),
            Content::Text(_) | Content::Base64(_) => None,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Text(text) => text.fmt(f),
            Content::Base64(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Content::Blob(blob) => blob.fmt(f),
        }
    }
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;

    use super::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
