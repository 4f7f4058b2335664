//! Hiding in JSON, done on the text, so that everything else stays as it was written.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{HIDDEN, Redaction};
use crate::codec::{scalar_len, string_len};

/// Members that name what stands beside them under `value`.
const NAMES: &[&str] = &["name", "key", "header"];
const VALUES: &[&str] = &["value", "values"];
/// The member of an object that stands for a blob.
const BLOB: &str = "$blob";

/// An object or an array that is being read.
struct Frame {
    is_object: bool,
    /// Everything in it is hidden.
    hidden: bool,
    /// An object: what comes next is a name.
    at_name: bool,
    /// What comes next is hidden: it stands under a name, or behind one in a pair.
    next: bool,
    /// An object: it has the name of what is under `value`. An array: it is a pair whose first is a name.
    names: bool,
    /// An object: the present member is one that may name.
    naming: bool,
    /// The present member is a blob's.
    blob: bool,
}

/// The JSON text without what is secret; `None` when there is nothing.
pub(super) fn hidden(redaction: &Redaction, json: &str, words: &BTreeSet<&'static str>) -> Option<String> {
    let zeros = crate::io::secret::found_numbers(json);
    let mut hiding = Hiding { redaction, words, zeros, json, out: String::new(), copied: 0, frames: Vec::new() };
    let mut at = 0;
    while let Some(byte) = json.as_bytes().get(at) {
        let rest = &json.as_bytes()[at..];
        let len = match byte {
            b'"' => string_len(rest).min(rest.len()),
            b'-' | b'0'..=b'9' => scalar_len(rest).max(1),
            _ => 1,
        };
        hiding.token(at..at + len);
        at += len;
    }
    hiding.done()
}

struct Hiding<'a> {
    redaction: &'a Redaction,
    words: &'a BTreeSet<&'static str>,
    /// Numbers that are a secret's bytes.
    zeros: Vec<Range<usize>>,
    json: &'a str,
    out: String,
    /// How much of the JSON stands in `out`, or something in its place.
    copied: usize,
    frames: Vec<Frame>,
}

impl Hiding<'_> {
    fn token(&mut self, at: Range<usize>) {
        let token = &self.json[at.clone()];
        match token.as_bytes().first() {
            Some(b'{') => self.begin(true, false),
            Some(b'[') => {
                let pair = self.is_pair(at.start);
                self.begin(false, pair);
            }
            Some(b'}' | b']') => drop(self.frames.pop()),
            Some(b',') => {
                if let Some(frame) = self.frames.last_mut() {
                    (frame.at_name, frame.blob, frame.naming) = (frame.is_object, false, false);
                    frame.next = !frame.is_object && frame.names;
                }
            }
            Some(b':') => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.at_name = false;
                }
            }
            Some(b'"') => self.string(at, token),
            Some(b'-' | b'0'..=b'9') => self.number(at, token),
            _ => {}
        }
    }

    fn begin(&mut self, is_object: bool, names: bool) {
        let hidden = self.is_hidden();
        self.frames.push(Frame {
            is_object,
            hidden,
            at_name: is_object,
            next: false,
            names,
            naming: false,
            blob: false,
        });
    }

    /// Whether the value that comes next is hidden as a whole.
    fn is_hidden(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.hidden || frame.next)
    }

    /// Whether an array has two elements, of which the first is a name.
    fn is_pair(&self, at: usize) -> bool {
        if self.is_hidden() {
            return false;
        }
        let rest = &self.json.as_bytes()[at + 1..];
        let first = string_len(rest).min(rest.len());
        let name =
            rest.first() == Some(&b'"') && read(&self.json[at + 1..][..first]).is_some_and(|name| self.is_name(&name));
        name && rest.get(first) == Some(&b',') && {
            let second = &rest[first + 1..];
            second.get(value_len(second)) == Some(&b']')
        }
    }

    fn is_name(&self, name: &str) -> bool {
        self.redaction.keys.has(name)
    }

    fn string(&mut self, at: Range<usize>, token: &str) {
        let text = read(token);
        let whole = self.is_hidden();
        let redaction = self.redaction;
        let named = text.as_deref().is_some_and(|text| self.is_name(text));
        if let Some(frame) = self.frames.last_mut() {
            let text = text.as_deref().unwrap_or_default();
            if frame.at_name {
                let plain = text.to_ascii_lowercase();
                frame.naming = NAMES.contains(&&*plain);
                frame.next = named || frame.names && VALUES.contains(&&*plain);
                frame.blob = text == BLOB;
                return self.replace(at, token, redaction.hidden_text(text));
            }
            frame.names |= frame.naming && named;
        }
        let hidden = match &text {
            // No JSON string: it is not shown.
            None => Some(HIDDEN.to_owned()),
            Some(text) if !whole => redaction.hidden_text(text),
            Some(text) if text.is_empty() => None,
            Some(text) if self.words.contains(&**text) => redaction.hidden_text(text),
            Some(_) => Some(HIDDEN.to_owned()),
        };
        self.replace(at, token, hidden);
    }

    fn number(&mut self, at: Range<usize>, token: &str) {
        if self.frames.last().is_some_and(|frame| frame.blob) {
            return;
        }
        let is_byte = self.zeros.iter().any(|zero| zero.start <= at.start && at.end <= zero.end);
        if token != "0" && (is_byte || self.is_hidden() || !self.redaction.spans(token).is_empty()) {
            self.put(at, "0");
        }
    }

    /// Puts another string in the place of one.
    fn replace(&mut self, at: Range<usize>, token: &str, hidden: Option<String>) {
        // A string can be written as JSON.
        let hidden = hidden.map(|hidden| serde_json::Value::String(hidden).to_string());
        if let Some(hidden) = hidden.filter(|hidden| hidden != token) {
            self.put(at, &hidden);
        }
    }

    fn put(&mut self, at: Range<usize>, token: &str) {
        self.out.push_str(&self.json[self.copied..at.start]);
        self.out.push_str(token);
        self.copied = at.end;
    }

    fn done(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.out.push_str(&self.json[self.copied..]);
        Some(self.out)
    }
}

/// The text of a JSON string.
fn read(token: &str) -> Option<String> {
    serde_json::from_str(token).ok()
}

/// The length of the value that a JSON text starts with.
fn value_len(json: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0usize);
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at += string_len(&json[at..]).min(json.len() - at) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}
