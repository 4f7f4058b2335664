//! Headers and parameters of URLs that are never recorded: the one list.

use crate::io::redact::HIDDEN;

/// A name with one of these among its words may hold a secret: `x-csrf-token`, `ocp-apim-subscription-key`.
const WORDS: &[&str] = &[
    "apikey",
    "auth",
    "authentication",
    "authorization",
    "cookie",
    "cookie2",
    "credential",
    "credentials",
    "key",
    "passwd",
    "password",
    "secret",
    "token",
];

/// Names with such a word that hold none.
const OPEN: &[&str] = &["idempotency-key", "x-idempotency-key", "sec-websocket-key", "surrogate-key"];

/// What else, in the name of a URL's parameter, authorises: `X-Amz-Signature`, `sig`, OAuth's `code`.
const OF_A_PARAMETER: &[&str] = &["code", "hmac", "sig", "signature"];

/// Whether a header of this name may hold a secret. The case of letters does not matter.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if OPEN.contains(&&*name) {
        return false;
    }
    name.split(['-', '_']).any(|word| WORDS.contains(&word))
}

/// Whether a URL's parameter of this name may hold a secret. The case of letters tells words apart (`accessToken`) and
/// does not matter otherwise.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    if OPEN.contains(&&*name.to_ascii_lowercase()) {
        return false;
    }
    let is_one = |word: &str| {
        let lower = word.to_ascii_lowercase();
        let lower = lower.trim_end_matches(|c: char| c.is_ascii_digit());
        WORDS.contains(&lower) || OF_A_PARAMETER.contains(&lower)
    };
    name.split(|c: char| !c.is_alphanumeric()).any(|part| is_one(part) || humps(part).any(is_one))
}

/// The words of `accessToken` and `APIKey`.
fn humps(part: &str) -> impl Iterator<Item = &str> {
    let mut rest = part;
    std::iter::from_fn(move || {
        let letters = || rest.char_indices().zip(rest.chars().skip(1).chain(Some('A')));
        let end = letters().skip(1).find_map(|((at, here), next)| {
            // A word ends before a capital letter, and before the last one of several.
            let starts = here.is_uppercase() && (next.is_lowercase() || rest[..at].ends_with(char::is_lowercase));
            starts.then_some(at)
        });
        let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        (!word.is_empty()).then_some(word)
    })
}

/// A header's value that holds URLs, without the values of their parameters that may hold a secret, and without their
/// credentials.
///
/// It is looked at as a text, as it may be half a URL, or several in brackets: what is hidden ends where a URL's value
/// ends in any case.
pub(super) fn without_secrets(value: &str) -> String {
    let value = without_credentials(value);
    let mut shown = String::with_capacity(value.len());
    let mut rest = &*value;
    while let Some(at) = rest.find(['?', '&', '#', ';']) {
        let (before, behind) = rest.split_at(at + 1);
        shown.push_str(before);
        rest = behind;
        let name_end = rest.find(['=', '?', '&', '#', ';', '>']).unwrap_or(rest.len());
        if rest[name_end..].starts_with('=') && is_secret_parameter(&decoded(&rest[..name_end])) {
            let (name, value) = rest.split_at(name_end + 1);
            shown.push_str(name);
            shown.push_str(HIDDEN);
            rest = value.find(['&', '#', '>']).map_or("", |end| &value[end..]);
        }
    }
    shown.push_str(rest);
    shown
}

fn without_credentials(text: &str) -> String {
    let mut parts = text.split("//");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let host = &part[..part.find(['/', '?', '#', '>']).unwrap_or(part.len())];
        shown.push_str("//");
        match host.rfind('@') {
            Some(at) => {
                shown.push_str(HIDDEN);
                shown.push_str(&part[at..]);
            }
            None => shown.push_str(part),
        }
    }
    shown
}

/// A parameter's name without the escapes of a URL.
fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| behind.get(..2)).flatten();
        let escaped = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        rest = if escaped.is_some() { &behind[2..] } else { behind };
        bytes.push(escaped.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{is_secret, is_secret_parameter, without_secrets};

    #[test]
    fn parameters_that_authorise_are_secret_however_they_are_spelt() {
        for name in [
            "sig",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "hmac",
            "code",
            "credential",
            "token",
            "access_token",
            "accessToken",
            "AccessToken",
            "api_key",
            "apikey",
            "apiKey",
            "APIKey",
            "Key-Pair-Id",
            "client_secret",
            "user[password]",
            "auth.token",
            "Signature",
            "token2",
            "xSig",
        ] {
            assert!(is_secret_parameter(name), "{name}");
        }
        for name in ["", "page", "of", "postcode", "design", "tokens", "idempotency-key", "codec", "keyword", "SIGN"] {
            assert!(!is_secret_parameter(name), "{name}");
        }
    }

    #[test]
    fn of_the_urls_in_a_header_what_may_be_secret_is_hidden() {
        for (value, wanted) in [
            ("/status/200", "/status/200"),
            ("/a?b=1&c=2#d", "/a?b=1&c=2#d"),
            ("/cb?code=planted&state=1", "/cb?code=[redacted]&state=1"),
            ("https://a/b?x=1#access_token=planted&y=2", "https://a/b?x=1#access_token=[redacted]&y=2"),
            ("/a?sig=planted,planted;planted", "/a?sig=[redacted]"),
            ("/a?%73ig=planted&b=%", "/a?%73ig=[redacted]&b=%"),
            ("/a?b=1&amp;sig=planted", "/a?b=1&amp;sig=[redacted]"),
            ("https://ann;x&y:planted@a/b?c", "https://[redacted]@a/b?c"),
            ("https://ann:planted@a/b?c", "https://[redacted]@a/b?c"),
            ("?sig=planted=planted==&b", "?sig=[redacted]&b"),
            ("<https://a/b?token=planted>; rel=\"next\", </c?d=1&sig=planted>", {
                "<https://a/b?token=[redacted]>; rel=\"next\", </c?d=1&sig=[redacted]>"
            }),
            ("/é?é=é&sig=é", "/é?é=é&sig=[redacted]"),
            ("/a?sig", "/a?sig"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(value), wanted);
        }
    }

    #[test]
    fn what_authorises_is_secret_however_it_is_spelt() {
        for name in [
            "Authorization",
            "proxy-authorization",
            "COOKIE",
            "Set-Cookie",
            "X-Api-Key",
            "api_key",
            "x-goog-api-key",
            "X-CSRF-Token",
            "private-token",
            "X-Amz-Security-Token",
            "x-vault-token",
            "apikey",
            "x-client-secret",
            "Ocp-Apim-Subscription-Key",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["accept", "content-type", "etag", "location", "retry-after", "x-request-id", "Idempotency-Key"] {
            assert!(!is_secret(name), "{name}");
        }
        assert!(!is_secret("x-tokenizer") && !is_secret("keyword"), "a part of a word is no word");
    }
}
