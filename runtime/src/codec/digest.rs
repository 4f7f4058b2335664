//! Digests of values: SHA-256 over the canonical JSON of RFC 8785.
//!
//! RFC 8785 writes every number as a double, so that two integers beyond 2^53
//! could come out the same. Here an integer that no double holds exactly is
//! written as `{"$integer":"<digits>"}`: two order numbers that differ in the
//! last bit are two inputs. Everything else is the RFC's form to the letter.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::blob::content;
use super::json_text::string_len;
use super::rename::rename;
use super::{DecodeError, Payload};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// The digest of a value's canonical form ([`canonical_of`]).
    pub(crate) fn of(payload: &Payload) -> Result<Digest, DecodeError> {
        canonical_of(payload).map(|(digest, _)| digest)
    }

    /// The digest of bytes, one after the other.
    pub(crate) fn of_bytes(parts: &[&[u8]]) -> Digest {
        let mut sha = Sha256::new();
        for part in parts {
            sha.update(part);
        }
        Digest(sha.finalize().into())
    }
}

/// The digest of bytes that come in pieces.
#[derive(Default)]
pub(crate) struct DigestOf(Sha256);

impl DigestOf {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn done(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The canonical form of a value and its digest. A blob counts by its bytes: its id is another one where a run is imported.
///
/// # Errors
/// When the value's bytes cannot be had, or are no JSON.
pub(crate) fn canonical_of(payload: &Payload) -> Result<(Digest, String), DecodeError> {
    let expected = "a JSON value with a canonical form";
    let json = payload.bytes().map_err(|error| DecodeError::unreadable(expected, error.0))?;
    let json = match payload.blobs() {
        [] => Cow::Borrowed(json),
        blobs => Cow::Owned(rename(json, |id| content(blobs, id)).json),
    };
    let text = canonical(&json).map_err(|error| DecodeError::new(expected, error))?;
    let text = String::from_utf8(text).map_err(|error| DecodeError::new(expected, error))?;
    Ok((Digest::of_bytes(&[text.as_bytes()]), text))
}

fn canonical(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let value: Value = serde_json::from_slice(&with_large_integers_in_words(json))?;
    serde_json_canonicalizer::to_vec(&value)
}

/// The same JSON text with every integer that a double does not hold exactly as
/// `{"$integer":"<digits>"}`. Done on the text: a parsed number has lost its digits.
fn with_large_integers_in_words(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some((&byte, after)) = rest.split_first() {
        let len = match byte {
            b'"' => string_len(rest),
            b'-' | b'0'..=b'9' => rest.iter().take_while(|b| b"+-.0123456789eE".contains(b)).count(),
            _ => {
                out.push(byte);
                rest = after;
                continue;
            }
        };
        let (token, after) = rest.split_at(len);
        if byte != b'"' && is_large_integer(token) {
            out.extend_from_slice(b"{\"$integer\":\"");
            out.extend_from_slice(token);
            out.extend_from_slice(b"\"}");
        } else {
            out.extend_from_slice(token);
        }
        rest = after;
    }
    out
}

fn is_large_integer(token: &[u8]) -> bool {
    const EXACT: u64 = 1 << 53;
    let digits = token.strip_prefix(b"-").unwrap_or(token);
    digits.iter().all(u8::is_ascii_digit)
        // What does not even fit 64 bits is larger still.
        && std::str::from_utf8(digits).is_ok_and(|digits| !digits.parse::<u64>().is_ok_and(|n| n <= EXACT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        String::from_utf8(canonical(json.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn canonical_form_is_that_of_rfc_8785_section_3_2() {
        let given = r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#;
        let wanted = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
            \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(text(given), wanted);
    }

    #[test]
    fn keys_are_in_utf16_order() {
        let given = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        let order: Vec<char> = text(given).chars().filter(char::is_ascii_digit).collect();
        // "1" is a key and a value's digit: \r=2, then "1":4, \u0080=6, ö=7, €=1, 😀=5, \ufb33=3
        assert_eq!(order.iter().collect::<String>(), "21467153");
    }

    #[test]
    fn integers_that_differ_beyond_a_double_have_two_digests() {
        let digest = |n: i128| Digest::of(&super::super::encode(&n).unwrap()).unwrap();
        let doubled = 1 << 53;
        for n in [doubled, i128::from(u64::MAX), i128::from(u64::MAX) * 1000, -doubled, i128::from(i64::MIN) * 7] {
            assert_ne!(digest(n), digest(n + 1), "{n}");
            assert_ne!(digest(n), digest(n - 1), "{n}");
        }
        assert_eq!(
            text("[9007199254740992,9007199254740993]"),
            r#"[9007199254740992,{"$integer":"9007199254740993"}]"#
        );
    }

    #[test]
    fn digits_in_strings_and_floats_are_left_alone() {
        let given = r#"{"a\\\"9007199254740993":"9007199254740993","b\\":9007199254740993.0}"#;
        assert_eq!(text(given), r#"{"a\\\"9007199254740993":"9007199254740993","b\\":9007199254740992}"#);
    }

    #[test]
    fn field_order_makes_no_difference() {
        let digest = |json: &str| Digest::of(&Payload::from_bytes(json.as_bytes())).unwrap();
        assert_eq!(digest(r#"{"a":1,"b":[2.0]}"#), digest(r#"{ "b":[2e0], "a":1 }"#));
        assert_ne!(digest(r#"{"a":1}"#), digest(r#"{"a":2}"#));
    }
}
