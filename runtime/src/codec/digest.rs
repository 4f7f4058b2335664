//! Digests of values: SHA-256 over the canonical JSON of RFC 8785.
//!
//! RFC 8785 writes every number as a double, so that two integers beyond 2^53
//! could come out the same. Here an integer that no double holds exactly is
//! written as `{"$integer":"<digits>"}`: two order numbers that differ in the
//! last bit are two inputs. Everything else is the RFC's form to the letter.

use std::fmt;

use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

use super::{DecodeError, Payload};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// The digest of a value's canonical form.
    pub(crate) fn of(payload: &Payload) -> Result<Digest, DecodeError> {
        let value: Value = super::decode(payload)?;
        canonical(value)
            .map(|text| Digest::of_bytes(&[text.as_slice()]))
            .map_err(|e| DecodeError { expected: "a JSON value with a canonical form", reason: e.to_string() })
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

fn canonical(value: Value) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(&exact(value))
}

fn exact(value: Value) -> Value {
    match value {
        Value::Number(number) if !fits_a_double(&number) => {
            let mut object = Map::new();
            object.insert("$integer".to_owned(), Value::String(number.to_string()));
            Value::Object(object)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(exact).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(k, v)| (k, exact(v))).collect()),
        other => other,
    }
}

fn fits_a_double(number: &Number) -> bool {
    const EXACT: u64 = 1 << 53;
    match (number.as_u64(), number.as_i64()) {
        (Some(unsigned), _) => unsigned <= EXACT,
        (None, Some(signed)) => signed.unsigned_abs() <= EXACT,
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        String::from_utf8(canonical(serde_json::from_str(json).unwrap()).unwrap()).unwrap()
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
        let digest = |n: u64| Digest::of(&super::super::encode(&n).unwrap()).unwrap();
        assert_ne!(digest(u64::MAX), digest(u64::MAX - 1));
        assert_ne!(digest((1 << 53) + 1), digest(1 << 53));
    }

    #[test]
    fn field_order_makes_no_difference() {
        let digest = |json: &str| Digest::of(&Payload::from_bytes(json.as_bytes())).unwrap();
        assert_eq!(digest(r#"{"a":1,"b":[2.0]}"#), digest(r#"{ "b":[2e0], "a":1 }"#));
        assert_ne!(digest(r#"{"a":1}"#), digest(r#"{"a":2}"#));
    }
}
