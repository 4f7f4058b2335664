//! Headers that are never recorded: the one list.

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

/// Whether a header of this name may hold a secret. The case of letters does not matter.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if OPEN.contains(&&*name) {
        return false;
    }
    name.split(['-', '_']).any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::is_secret;

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
