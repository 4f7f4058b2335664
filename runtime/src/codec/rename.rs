//! Blobs by other names in a JSON text: done on the text, so that everything else stays as it was written.

use super::blob::MEMBER;
use super::json_text::string_len;

/// A JSON text in which blobs have other names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Renamed {
    pub(super) json: Vec<u8>,
    /// A string of the text seems to have a blob in it, as JSON within JSON: that one keeps its name.
    pub(super) hidden: bool,
}

/// The same text with what `name` says in place of a blob's id; `None` leaves the object alone.
pub(super) fn rename(json: &[u8], mut name: impl FnMut(u64) -> Option<String>) -> Renamed {
    let mut renamed = Renamed { json: Vec::with_capacity(json.len()), hidden: false };
    let mut rest = json;
    while let Some((&byte, after)) = rest.split_first() {
        let len = match byte {
            b'"' => {
                let len = string_len(rest).min(rest.len());
                renamed.hidden |= is_hidden(&rest[..len]);
                len
            }
            b'{' => {
                if let Some((len, new)) = blob(rest).and_then(|(len, id)| Some((len, name(id)?))) {
                    renamed.json.extend_from_slice(format!("{{\"{MEMBER}\":{new}}}").as_bytes());
                    rest = &rest[len..];
                    continue;
                }
                1
            }
            _ => {
                renamed.json.push(byte);
                rest = after;
                continue;
            }
        };
        renamed.json.extend_from_slice(&rest[..len]);
        rest = &rest[len..];
    }
    renamed
}

/// The length of the object that a text starts with, and its id, if it is a blob's.
fn blob(text: &[u8]) -> Option<(usize, u64)> {
    let rest = space(text.strip_prefix(b"{")?);
    let rest = space(rest.strip_prefix(b"\"")?.strip_prefix(MEMBER.as_bytes())?.strip_prefix(b"\"")?);
    let rest = space(rest.strip_prefix(b":")?);
    let (digits, rest) = rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
    let rest = space(rest).strip_prefix(b"}")?;
    Some((text.len() - rest.len(), std::str::from_utf8(digits).ok()?.parse().ok()?))
}

fn space(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

/// Whether the member's name stands in a string with its quotes, which are escaped there.
fn is_hidden(string: &[u8]) -> bool {
    let mark = format!("{MEMBER}\\");
    string.windows(mark.len()).any(|part| part == mark.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        let next = |id: u64| (id != 9).then(|| (id + 1).to_string());
        String::from_utf8(rename(json.as_bytes(), next).json).unwrap()
    }

    #[test]
    fn blobs_are_renamed_wherever_they_stand_and_nothing_else_is() {
        assert_eq!(text(r#"{"$blob":1}"#), r#"{"$blob":2}"#);
        assert_eq!(text(r#"[{"a":{"$blob":1}},{"$blob":41},7]"#), r#"[{"a":{"$blob":2}},{"$blob":42},7]"#);
        assert_eq!(text("{ \"$blob\" :\n1 }"), r#"{"$blob":2}"#);
        let others = [
            r#"{"$blob":9}"#,
            r#"{"$blob":"1"}"#,
            r#"{"$blob":1,"b":2}"#,
            r#"{"$blob":-1}"#,
            r#"{"$blob":1.5}"#,
            r#"{"$blob":99999999999999999999}"#,
            r#""{\"$blob\":1}""#,
            r#"{"{":"}","\\":"{\"$blob\":1}"}"#,
            r#"{"$blob"#,
            r#"{"$blob":1"#,
        ];
        for json in others {
            assert_eq!(text(json), json);
        }
    }

    #[test]
    fn a_blob_in_a_string_is_noticed() {
        let hidden = |json: &str| rename(json.as_bytes(), |_| None).hidden;
        assert!(hidden(r#"["{\"$blob\":1}"]"#));
        assert!(hidden(r#"["\"{\\\"$blob\\\":1}\""]"#));
        assert!(!hidden(r#"{"$blob":1}"#));
        assert!(!hidden(r#"["$blob", "a $blob \" b"]"#));
    }
}
