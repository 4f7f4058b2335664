//! Bytes that a transport was answered with, as JSON holds them.
//!
//! What must always hold: they stand in a record as text, or as base64 where they are none, and above the inline limit
//! in the arena.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Call;
use crate::codec::{Blob, INLINE_LIMIT};
use crate::storage::StorageError;

/// How many bytes of a text are shown to people at most, in errors and logs.
const SHOWN: usize = 200;

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
            Content::Text(text) => {
                let end = (0..=SHOWN.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
                let shown = &text[..end.unwrap_or_default()];
                shown.fmt(f)?;
                if shown.len() < text.len() { write!(f, "… ({} bytes)", text.len()) } else { Ok(()) }
            }
            Content::Base64(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Content::Blob(blob) => blob.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_beginning_of_a_long_text_is_shown() {
        let shown = |text: String| format!("{:?}", Content::Text(text));
        assert_eq!(shown(String::new()), "\"\"");
        assert_eq!(shown("x".repeat(SHOWN)), format!("\"{}\"", "x".repeat(SHOWN)));
        assert_eq!(shown("x".repeat(SHOWN + 1)), format!("\"{}\"… (201 bytes)", "x".repeat(SHOWN)));
        assert_eq!(shown("é".repeat(60_000)), format!("\"{}\"… (120000 bytes)", "é".repeat(100)));
        assert_eq!(shown(format!("x{}", "é".repeat(100))), format!("\"x{}\"… (201 bytes)", "é".repeat(99)));
        assert_eq!(format!("{:?}", Content::Base64(vec![255; 300])), "<300 bytes>");
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
