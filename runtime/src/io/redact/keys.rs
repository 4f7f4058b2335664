//! Names under which what is secret stands.

use std::collections::BTreeSet;
use std::ops::Range;

/// Headers that are never recorded.
const LEAST: &[&str] = &["authorization", "proxyauthorization", "cookie", "setcookie"];

/// What else is usually secret.
const COMMON: &[&str] = &[
    "accesskey",
    "accesstoken",
    "apikey",
    "apisecret",
    "apitoken",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "credential",
    "credentials",
    "csrftoken",
    "encryptionkey",
    "idtoken",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "secrettoken",
    "sessiontoken",
    "signingkey",
    "signingsecret",
    "token",
    "webhooksecret",
    "xapikey",
    "xauthtoken",
    "xcsrftoken",
];

/// Names in their plain form: lower case, without `-` and `_`.
#[derive(Debug, Clone)]
pub(super) struct Keys(BTreeSet<Box<str>>);

fn plain(name: &str) -> Box<str> {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

impl Keys {
    pub(super) fn least() -> Keys {
        Keys(LEAST.iter().copied().map(Into::into).collect())
    }

    pub(super) fn common() -> Keys {
        Keys(LEAST.iter().chain(COMMON).copied().map(Into::into).collect())
    }

    pub(super) fn add(&mut self, name: &str) {
        self.0.insert(plain(name));
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&plain(name))
    }

    /// Where a text has a value behind one of the names: `name=value`, `"name": "value"`; of a header that is never
    /// recorded, also `name: value`, to the end of the line.
    pub(super) fn found(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (sign, _) in text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'=' | b':')) {
            // What is hidden already is not looked at again.
            if found.last().is_none_or(|last| last.end <= sign) {
                found.extend(self.behind(text, sign));
            }
        }
        found
    }

    fn behind(&self, text: &str, sign: usize) -> Option<Range<usize>> {
        let name = name_before(&text[..sign]);
        if name.is_empty() || !self.has(name) {
            return None;
        }
        let rest = &text[sign + 1..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let (from, value) = (sign + 1 + blank, &rest[blank..]);
        let quoted = value.trim_start_matches('\\');
        let escapes = value.len() - quoted.len();
        if let Some(quote @ ('"' | '\'')) = quoted.chars().next() {
            let from = from + escapes + 1;
            return Some(from..from + quoted_len(&quoted[1..], quote, escapes));
        }
        let is_header = LEAST.contains(&&*plain(name));
        let len = match &text[sign..=sign] {
            _ if is_header => value.find(['\n', '\r', '"']),
            "=" if blank == 0 => value.find(|c: char| c.is_whitespace() || "&;,\"'<>)}]\\".contains(c)),
            _ => return None,
        };
        Some(from..from + len.unwrap_or(value.len()))
    }
}

/// The name that a text ends in, which may stand in quotes or brackets.
fn name_before(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '\t']).trim_end_matches(['"', '\'', '\\', ']']);
    let start = text.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_')));
    start.map_or(text, |at| text[at..].trim_start_matches(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))))
}

/// How much of a text stands before the quote that closes it, which has as many backslashes before it as the one that
/// opened it.
fn quoted_len(text: &str, quote: char, escapes: usize) -> usize {
    for (at, _) in text.match_indices(quote) {
        let before = text[..at].trim_end_matches('\\').len();
        if at - before <= escapes {
            return before;
        }
    }
    text.len()
}
