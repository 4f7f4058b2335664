//! The forms in which a secret may turn up in a text.
//!
//! What must always hold: whatever is made of a secret here is overwritten when it goes.

use std::fmt::{self, Write as _};

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// An encoded form shorter than this would turn up by chance.
const MIN_ENCODED: usize = 7;

type Text = Zeroizing<String>;

/// A secret's forms.
pub(super) struct Forms {
    texts: Vec<Text>,
    /// It is text: the first form.
    is_text: bool,
    /// Its bytes as JSON writes them, without the brackets.
    numbers: Text,
}

impl Forms {
    pub(super) fn of(secret: &[u8]) -> Forms {
        let plain = std::str::from_utf8(secret).ok();
        let mut texts = Vec::new();
        let mut add = |form: Text| {
            if !texts.contains(&form) {
                texts.push(form);
            }
        };
        if let Some(plain) = plain {
            // As it stands, as `{:?}` writes it, as JSON does.
            add(text(plain.len(), plain.chars()));
            add(text(plain.len() * 10, plain.escape_debug()));
            add(json(plain));
        }
        // RFC 3986, what JavaScript calls a URI component, and a form's field.
        add(percent(secret, b"-._~"));
        add(percent(secret, b"-._~!*'()"));
        add(percent(secret, b"-._* "));
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            for before in 0..3 {
                let form = base64(engine, secret, before);
                if form.len() >= MIN_ENCODED {
                    add(form);
                }
            }
        }
        add(hexadecimal(secret, b"0123456789abcdef"));
        add(hexadecimal(secret, b"0123456789ABCDEF"));
        add(decimal(secret, ", "));
        Forms { texts, is_text: plain.is_some(), numbers: decimal(secret, ",") }
    }

    /// As they may stand in a text.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|form| form.as_str())
    }

    /// As it is, if it is text.
    pub(super) fn plain(&self) -> Option<&str> {
        self.texts.first().filter(|_| self.is_text).map(|form| form.as_str())
    }

    /// As it may stand in JSON as an array of numbers, without the brackets.
    pub(super) fn numbers(&self) -> &str {
        &self.numbers
    }
}

/// A text that does not grow while it is written: what it would leave behind is not overwritten.
fn room(bytes: usize) -> Text {
    Zeroizing::new(String::with_capacity(bytes))
}

fn put(text: &mut String, what: fmt::Arguments<'_>) {
    // Writing into a `String` does not fail.
    let _ = text.write_fmt(what);
}

fn text(bytes: usize, chars: impl Iterator<Item = char>) -> Text {
    let mut text = room(bytes);
    text.extend(chars);
    text
}

/// As it stands in a JSON text, without quotes.
fn json(plain: &str) -> Text {
    let mut text = room(plain.len() * 6);
    for char in plain.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            c if c < ' ' => put(&mut text, format_args!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

/// Percent-encoded but for letters, digits and `kept`; where a space is kept, it is a `+`.
fn percent(secret: &[u8], kept: &[u8]) -> Text {
    let mut text = room(secret.len() * 3);
    for &byte in secret {
        match byte {
            b' ' if kept.contains(&b' ') => text.push('+'),
            _ if byte.is_ascii_alphanumeric() || kept.contains(&byte) => text.push(byte.into()),
            _ => put(&mut text, format_args!("%{byte:02X}")),
        }
    }
    text
}

/// What is the same in Base64 whatever stands around the secret, with so many bytes before it, modulo 3.
fn base64(engine: &impl base64::Engine, secret: &[u8], before: usize) -> Text {
    let mut bytes = Zeroizing::new(Vec::with_capacity(before + secret.len()));
    bytes.resize(before, 0);
    bytes.extend_from_slice(secret);
    let encoded = Zeroizing::new(engine.encode(&*bytes));
    // A character has six bits, of which some are of what stands around.
    let start = (before * 8).div_ceil(6);
    let end = encoded.len() - usize::from(bytes.len() % 3 != 0);
    let core = encoded.get(start..end).unwrap_or_default();
    text(core.len(), core.chars())
}

fn hexadecimal(secret: &[u8], digits: &[u8; 16]) -> Text {
    let digit = |four: u8| char::from(digits[usize::from(four)]);
    text(secret.len() * 2, secret.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]))
}

/// The bytes one after the other, as `{:?}` and JSON write them.
fn decimal(secret: &[u8], between: &str) -> Text {
    let mut text = room(secret.len() * 5);
    for (n, byte) in secret.iter().enumerate() {
        let between = if n == 0 { "" } else { between };
        put(&mut text, format_args!("{between}{byte}"));
    }
    text
}
