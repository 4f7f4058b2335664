//! A hash of a JSON text in which the order of an object's members does not
//! count: FNV-1a, in one pass over the text, without allocation.
//!
//! It notices that a replay comes with other arguments. It is no digest: it
//! does not have to withstand anybody who looks for two texts with one hash.

use super::json_text::{scalar_len, string_len};

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The hash of a JSON text without white space between its tokens.
pub(super) fn hash(json: &[u8]) -> u64 {
    value(&mut &*json)
}

/// The hash of a type's name; never 0.
pub(super) fn name(name: &str) -> u64 {
    fold(OFFSET, name.as_bytes()).max(1)
}

fn fold(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

fn take<'t>(rest: &mut &'t [u8], len: usize) -> &'t [u8] {
    let (token, after) = rest.split_at(len.min(rest.len()));
    *rest = after;
    token
}

fn value(rest: &mut &[u8]) -> u64 {
    match rest.first() {
        Some(b'{') => {
            let mut sum = 0u64;
            while let Some(b'{' | b',') = rest.first() {
                take(rest, 1);
                if rest.first() == Some(&b'}') {
                    break;
                }
                let key = take(rest, string_len(rest));
                take(rest, 1);
                let member = fold(fold(OFFSET, key), &value(rest).to_le_bytes());
                sum = sum.wrapping_add(member);
            }
            take(rest, 1);
            fold(fold(OFFSET, b"{"), &sum.to_le_bytes())
        }
        Some(b'[') => {
            let mut hash = fold(OFFSET, b"[");
            while let Some(b'[' | b',') = rest.first() {
                take(rest, 1);
                if rest.first() == Some(&b']') {
                    break;
                }
                hash = fold(hash, &value(rest).to_le_bytes());
            }
            take(rest, 1);
            hash
        }
        Some(b'"') => fold(OFFSET, take(rest, string_len(rest))),
        _ => fold(OFFSET, take(rest, scalar_len(rest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_no_order_and_elements_do() {
        let same = |a: &str, b: &str| assert_eq!(hash(a.as_bytes()), hash(b.as_bytes()), "{a} {b}");
        let other = |a: &str, b: &str| assert_ne!(hash(a.as_bytes()), hash(b.as_bytes()), "{a} {b}");
        same(r#"[{"a":1,"b":[true,{}]},"x"]"#, r#"[{"b":[true,{}],"a":1},"x"]"#);
        other(r#"["a","b"]"#, r#"["b","a"]"#);
        other(r#"[["a"],"b"]"#, r#"[["a","b"]]"#);
        other(r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#);
        other("[]", "{}");
        other("[[]]", "[]");
        other("1", r#""1""#);
        other(r#"["a\\\"],[\"b"]"#, r#"["a\\\"","[\"b"]"#);
    }

    #[test]
    fn the_hash_is_the_one_that_is_documented() {
        let element = (OFFSET ^ u64::from(b'1')).wrapping_mul(PRIME);
        assert_eq!(hash(b"1"), element);
        let mut array = (OFFSET ^ u64::from(b'[')).wrapping_mul(PRIME);
        for byte in element.to_le_bytes() {
            array = (array ^ u64::from(byte)).wrapping_mul(PRIME);
        }
        assert_eq!(hash(b"[1]"), array);
    }
}
