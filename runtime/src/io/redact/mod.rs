//! What errors and requests do not have in them when they are recorded.
//!
//! Owns [`Redaction`]: what is hidden ([`keys`], patterns, live [`Secret`](super::Secret)s), in texts ([`spans`]) and
//! in JSON ([`json`]). What must always hold: JSON stays JSON, and what has nothing to hide stays as it is to the
//! byte; of an error the body is given what its record decodes to, live as in a replay.

mod json;
mod keys;
mod spans;

use std::collections::BTreeSet;

use regex_lite::Regex;

use crate::codec::{self, EncodeError, MAX_PAYLOAD, Payload, Recordable};
use keys::Keys;
use spans::Spans;

/// What stands for a text that is hidden.
pub(super) const HIDDEN: &str = "[redacted]";

/// Hides secrets in what is recorded of errors and of requests ([`Builder::redaction`](crate::Builder::redaction)).
///
/// Hidden is, in every policy, the text of every [`Secret`](crate::Secret) that lives, and what stands under
/// `authorization`, `proxy-authorization`, `cookie` and `set-cookie`. [`Redaction::default`] knows further names, as
/// `password`, `token` and `api_key`, and the look of bearer tokens, JSON Web Tokens, private keys in PEM and
/// passwords in URLs; [`Redaction::new`] knows nothing else. To either one's own are added:
///
/// ```
/// use factum::Redaction;
///
/// # fn main() -> Result<(), factum::PatternError> {
/// let redaction = Redaction::default().key("iban").pattern(r"sk-[A-Za-z0-9]{20,}")?;
/// # let _ = redaction; Ok(())
/// # }
/// ```
///
/// It is applied to
/// * every error of a step, an undo, a saga and a machine, also what a timeout becomes, panics, and whatever else says
///   why something did not succeed or does not fit: causes, divergences, reasons and notes;
/// * every request, whose digest is made without what is hidden: another token under the same name is the same request;
/// * what this crate says of them as `tracing` events.
///
/// What steps give, arguments, signals, states and facts are recorded as they are: they are what the program goes on
/// with, and what it puts there is its choice. A `Secret` does not compile there.
///
/// In JSON, what stands under a name becomes `"[redacted]"` if it is a text and `0` if it is a number; in objects and
/// arrays under it that goes for everything that they hold, and `true`, `false`, `null`, [`Blob`](crate::Blob)s and an
/// error's variants without fields stay. A name counts as a member's, as the first of a pair, and as the `name`, `key`
/// or `header` beside a `value`. In a text it counts before a `=`, and before a `:` with a quoted text behind it. What
/// a pattern finds is hidden in texts, in names of members, and in numbers.
///
/// A body gets an error as it is recorded, `[redacted]` included. One that cannot be read as its type without what is
/// hidden is not recorded at all: the step, or the saga, fails as with any other value that cannot be recorded.
///
/// Steps that are under way when the policy changes may find their requests to be others than those that were recorded,
/// if what is hidden in them is not the same, and their runs diverge then.
#[derive(Debug, Clone)]
pub struct Redaction {
    keys: Keys,
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    regex: Regex,
    /// What it finds has one of these texts in it; none if nobody knows. It saves most texts a slow search.
    has: &'static [&'static str],
}

/// What credentials look like, and what each has in it.
const PATTERNS: &[(&str, &[&str])] = &[
    (r"(?i)\bbearer\s+([A-Za-z0-9._~+/-]{16,}=*)", &["earer", "EARER"]),
    (r"(?i)\bbasic\s+([A-Za-z0-9+/]{16,}=*)", &["asic", "ASIC"]),
    (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+", &["eyJ"]),
    (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", &["-----BEGIN "]),
    (r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s/?#:@"']*:([^\s/?#@"']+)@"#, &["://"]),
];

impl Default for Redaction {
    fn default() -> Self {
        // A test reads each of them.
        let known =
            PATTERNS.iter().filter_map(|(pattern, has)| Some(Pattern { regex: Regex::new(pattern).ok()?, has }));
        Redaction { keys: Keys::common(), patterns: known.collect() }
    }
}

impl Redaction {
    /// Hides what every policy does, and nothing else.
    #[must_use]
    pub fn new() -> Self {
        Redaction { keys: Keys::least(), patterns: Vec::new() }
    }

    /// Hides what stands under a name. `-`, `_` and the case of letters do not count: `api_key` is `Api-Key` and
    /// `apiKey`. The name is a whole one: `token` is not `page_token`.
    #[must_use]
    pub fn key(mut self, name: &str) -> Self {
        self.keys.add(name);
        self
    }

    /// Hides what looks like this: a regular expression in the syntax of the crate `regex`, whose classes, such as
    /// `\w`, are those of ASCII. If it has a group, only what the first one finds is hidden: `session=(\w+)`.
    ///
    /// # Errors
    /// When it is no regular expression, or too large.
    pub fn pattern(mut self, pattern: &str) -> Result<Self, PatternError> {
        let regex = Regex::new(pattern)
            .map_err(|error| PatternError { pattern: pattern.to_owned(), reason: error.to_string() })?;
        self.patterns.push(Pattern { regex, has: &[] });
        Ok(self)
    }

    /// The same JSON without what is secret; its blobs stay.
    pub(crate) fn json(&self, json: Payload) -> Payload {
        self.hidden(&json, &BTreeSet::new()).unwrap_or(json)
    }

    /// The same text without what is secret.
    pub(crate) fn text(&self, text: &str) -> String {
        self.hidden_text(text).unwrap_or_else(|| text.to_owned())
    }

    /// An error's JSON without what is secret, and what that decodes to.
    ///
    /// # Errors
    /// When JSON cannot hold it, or when it cannot be read without what is secret.
    pub(crate) fn error<E: Recordable>(&self, error: &E) -> Result<(Payload, E), EncodeError> {
        let (recorded, words) = codec::words(|| error.record());
        let (json, decoded) = recorded?;
        let Some(hidden) = self.hidden(&json, &words) else { return Ok((json, decoded)) };
        let name = std::any::type_name::<E>();
        if hidden.len() > MAX_PAYLOAD as u64 {
            let most = format!("without what is not to be recorded, its JSON has more than {MAX_PAYLOAD} bytes");
            return Err(EncodeError::no_value(most));
        }
        let decoded = E::read(&hidden).map_err(|unread| {
            EncodeError::no_value(format!(
                "an error of type `{name}` has something in it that is not to be recorded, and without that it cannot be \
                 read back: {unread}; let that part be a text, or leave it out"
            ))
        })?;
        Ok((hidden, decoded))
    }

    /// Hides what is secret in a text; `None` when nothing is.
    pub(crate) fn hidden_text(&self, text: &str) -> Option<String> {
        self.spans(text).hide(text)
    }

    /// As [`json`](Self::json); `None` when nothing is hidden. `words` are texts that the program itself has.
    fn hidden(&self, json: &Payload, words: &BTreeSet<&'static str>) -> Option<Payload> {
        // What was just encoded is in memory, and text.
        let text = std::str::from_utf8(json.inline()?).ok()?;
        json::hidden(self, text, words).map(|hidden| json.with_json(hidden.into_bytes()))
    }

    fn spans(&self, text: &str) -> Spans {
        let mut spans = Spans::default();
        spans.add(super::secret::found(text));
        spans.add(self.keys.found(text));
        for Pattern { regex, has } in &self.patterns {
            if !has.is_empty() && !has.iter().any(|part| text.contains(part)) {
                continue;
            }
            let found = regex.captures_iter(text).filter_map(|found| found.get(1).or_else(|| found.get(0)));
            spans.add(found.map(|found| found.range()));
        }
        spans
    }
}

/// A pattern that is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no regular expression: {reason}")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// Why not.
    pub reason: String,
}

#[cfg(test)]
mod tests;
