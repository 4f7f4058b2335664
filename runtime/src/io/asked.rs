//! Bytes that a transport is asked with, as its request shows them.
//!
//! What must always hold: two requests that differ in their bytes differ in what they show; nothing above the inline
//! limit stands in a request whole.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::codec::{ArtifactId, INLINE_LIMIT};

/// Bytes in a request.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Asked<'b> {
    /// JSON, so that what is secret in it is found by its key. Two texts of one value are one request.
    Json(&'b RawValue),
    Text(&'b str),
    /// Of what is large, or no text.
    #[serde(untagged)]
    Digest {
        sha256: ArtifactId,
        bytes: usize,
    },
}

impl Asked<'_> {
    /// What is shown of bytes; `json` tells that they claim to be that.
    pub(super) fn of(bytes: &[u8], json: bool) -> Asked<'_> {
        let digest = || Asked::Digest { sha256: ArtifactId::of(bytes), bytes: bytes.len() };
        if bytes.len() > INLINE_LIMIT {
            return digest();
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return digest() };
        // A raw value keeps every digit; whether it has a canonical form, only the parsed one tells.
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) if json && serde_json::from_str::<Value>(text).is_ok() => Asked::Json(raw),
            _ => Asked::Text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    fn shown(bytes: &[u8], json: bool) -> String {
        codec::canonical_of(&codec::encode(&Asked::of(bytes, json)).unwrap()).unwrap().1
    }

    #[test]
    fn bytes_are_shown_as_json_as_text_or_by_their_digest() {
        assert_eq!(shown(br#"{"b":1, "a":9007199254740993}"#, true), {
            r#"{"json":{"a":{"$integer":"9007199254740993"},"b":1}}"#
        });
        assert_eq!(shown(b"{}", false), r#"{"text":"{}"}"#);
        assert_eq!(shown(b"1e999", true), r#"{"text":"1e999"}"#);
        assert_eq!(shown(b"no json", true), r#"{"text":"no json"}"#);
        let digest = ArtifactId::of(&[0xff]);
        assert_eq!(shown(&[0xff], true), format!(r#"{{"bytes":1,"sha256":"{digest}"}}"#));
        let large = vec![b'1'; INLINE_LIMIT + 1];
        assert!(shown(&large, true).starts_with(r#"{"bytes":65537,"#), "it stands in the request whole");
        assert!(shown(&large[1..], false).starts_with(r#"{"text":"#));
        let deep = [vec![b'['; 1000], vec![b']'; 1000]].concat();
        assert!(shown(&deep, true).starts_with(r#"{"text":"#), "JSON that nobody can read is a text");
    }
}
