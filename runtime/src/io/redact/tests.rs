//! What is hidden, and what is left alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;
use crate::io::Secret;

fn json(redaction: &Redaction, json: &str) -> String {
    redaction.json(Payload::from_bytes(json.as_bytes())).to_text()
}

#[test]
fn every_pattern_that_is_known_is_one() {
    assert_eq!(Redaction::default().patterns.len(), PATTERNS.len());
}

#[test]
fn a_pattern_that_is_none_is_an_error_that_shows_it() {
    let error = Redaction::new().pattern("a(b").unwrap_err();
    assert!(error.to_string().starts_with("`a(b` is no regular expression: "), "{error}");
}

#[test]
fn what_stands_under_a_name_is_hidden_to_its_leaves_and_the_rest_stays_to_the_byte() {
    for (given, wanted) in [
        (
            r#"{"z":1.50,"password":"p","Api-Key":12.5,"é":"\u00e9"}"#,
            r#"{"z":1.50,"password":"[redacted]","Api-Key":0,"é":"\u00e9"}"#,
        ),
        (
            r#"{"a":{"accessToken":["x",{"y":"z","n":-3,"t":true,"o":null}],"b":[]}}"#,
            r#"{"a":{"accessToken":["[redacted]",{"y":"[redacted]","n":0,"t":true,"o":null}],"b":[]}}"#,
        ),
    ] {
        assert_eq!(json(&Redaction::default(), given), wanted);
        // Hidden once is hidden.
        assert_eq!(json(&Redaction::default(), wanted), wanted);
    }
    for whole in [r#"{"tokens":"a","page_token":"b","note":"token"}"#, "1", r#""password""#, "[]", r#"{"token":""}"#] {
        assert_eq!(json(&Redaction::default(), whole), whole);
    }
}

#[test]
fn what_has_nothing_to_hide_is_the_same_payload() {
    let payload = codec::encode(&BTreeMap::from([("a", [1.0, 2.0])])).unwrap();
    assert!(Redaction::default().json(payload.clone()).is(&payload));
}

#[test]
fn headers_that_are_never_recorded_are_hidden_in_every_policy_and_every_form() {
    let redaction = Redaction::new();
    for (given, wanted) in [
        (r#"{"Authorization":"Bearer x","accept":"y"}"#, r#"{"Authorization":"[redacted]","accept":"y"}"#),
        (r#"[["cookie","a=b"],["accept","y"]]"#, r#"[["cookie","[redacted]"],["accept","y"]]"#),
        (r#"[["set-cookie",["a=b","c=d"]]]"#, r#"[["set-cookie",["[redacted]","[redacted]"]]]"#),
        (
            r#"[{"name":"Proxy-Authorization","value":"x"},{"name":"a","value":"b"}]"#,
            r#"[{"name":"Proxy-Authorization","value":"[redacted]"},{"name":"a","value":"b"}]"#,
        ),
        (r#""a\nauthorization: Bearer x y\nb""#, r#""a\nauthorization: [redacted]\nb""#),
        // No pairs.
        (r#"["cookie","a","b"]"#, r#"["cookie","a","b"]"#),
        (r#"["cookie"]"#, r#"["cookie"]"#),
        (r#"{"password":"p"}"#, r#"{"password":"p"}"#),
    ] {
        assert_eq!(json(&redaction, given), wanted);
    }
}

#[test]
fn blobs_stay_also_under_a_name() {
    let given = r#"{"secret":{"$blob":7},"token":[{"$blob":12},7]}"#;
    assert_eq!(json(&Redaction::default(), given), r#"{"secret":{"$blob":7},"token":[{"$blob":12},0]}"#);
    let pattern = Redaction::new().pattern("7").unwrap();
    assert_eq!(json(&pattern, r#"[{"$blob":7},7]"#), r#"[{"$blob":7},0]"#);
}

#[test]
fn patterns_find_texts_names_of_members_and_numbers() {
    let redaction = Redaction::new().pattern(r"\d{6,}").unwrap().pattern(r"id=(\w+)").unwrap();
    let given = r#"{"k1234567":"a 123456 b","n":[1234567.5,12345,-7654321],"t":"id=abc, id=d","e":"x"}"#;
    let wanted = r#"{"k[redacted]":"a [redacted] b","n":[0,12345,0],"t":"id=[redacted], id=[redacted]","e":"x"}"#;
    assert_eq!(json(&redaction, given), wanted);
    // What finds nothing at all hides nothing.
    assert_eq!(Redaction::new().pattern("x*").unwrap().text("abxc"), "ab[redacted]c");
}

#[test]
fn the_usual_forms_of_credentials_are_known() {
    let redaction = Redaction::default();
    for (given, wanted) in [
        ("GET /a?api_key=abc&b=1 failed", "GET /a?api_key=[redacted]&b=1 failed"),
        (r#"body {"access_token": "a\"b", "n": 1}"#, r#"body {"access_token": "[redacted]", "n": 1}"#),
        (r#"body "{\"password\":\"hunter2\",\"n\":1}""#, r#"body "{\"password\":\"[redacted]\",\"n\":1}""#),
        (r#"Login { password: "hunter2", n: 1 }"#, r#"Login { password: "[redacted]", n: 1 }"#),
        ("postgres://ann:hunter2@db/shop", "postgres://ann:[redacted]@db/shop"),
        ("Bearer abcdefghijklmnop1 was refused", "Bearer [redacted] was refused"),
        ("jwt eyJhbGciOiJ.eyJzdWIiOiI.c2lnbmF0dXJl!", "jwt [redacted]!"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nand on", "[redacted]\nand on"),
        ("curl -H 'cookie: a=b; c=d'", "curl -H 'cookie: [redacted]"),
    ] {
        assert_eq!(redaction.text(given), wanted);
    }
    for prose in
        ["invalid token: expected `}`", "no secret in https://a.b/c:d@e", "the bearer of the ring", "token=", "="]
    {
        assert_eq!(redaction.text(prose), prose);
    }
}

#[test]
fn a_live_secret_is_found_in_texts_names_numbers_and_bytes() {
    let _secrets = [Secret::new("91827364".to_owned()), Secret::new("s3cr\"et".to_owned())];
    let redaction = Redaction::new();
    let bytes = serde_json::to_string("..s3cr\"et..".as_bytes()).unwrap();
    let given = format!(r#"{{"s3cr\"et":"it is s3cr\"et","n":[91827364,1,118273645],"b":{bytes}}}"#);
    let wanted = r#"{"[redacted]":"it is [redacted]","n":[0,1,118273645],"b":[46,46,0,0,0,0,0,0,0,46,46]}"#;
    assert_eq!(json(&redaction, &given), wanted);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Problem {
    Expired,
    Said(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Refused {
    Token(Problem),
    Password { tries: std::num::NonZeroU8 },
    Other { because: Problem, code: u32 },
}

#[test]
fn an_error_is_what_its_record_says() {
    let redaction = Redaction::default();
    let _secret = Secret::new("swordfish-error".to_owned());
    let error = Refused::Other { because: Problem::Said("no swordfish-error".to_owned()), code: 7 };
    let (json, told) = redaction.error(&error).unwrap();
    assert_eq!(json.to_text(), r#"{"Other":{"because":{"Said":"no [redacted]"},"code":7}}"#);
    assert_eq!(told, Refused::Other { because: Problem::Said("no [redacted]".to_owned()), code: 7 });
    assert_eq!(redaction.error(&told).unwrap(), (json, told));
}

#[test]
fn a_variant_without_fields_is_no_secret() {
    let (json, told) = Redaction::default().error(&Refused::Token(Problem::Expired)).unwrap();
    assert_eq!((json.to_text().as_str(), told), (r#"{"Token":"Expired"}"#, Refused::Token(Problem::Expired)));
    // A text is, even one that looks like it.
    let (json, _) = Redaction::default().error(&BTreeMap::from([("token".to_owned(), "Expired".to_owned())])).unwrap();
    assert_eq!(json.to_text(), r#"{"token":"[redacted]"}"#);
}

#[test]
fn an_error_that_cannot_do_without_its_secret_cannot_be_recorded_and_does_not_tell_it() {
    let tries = std::num::NonZeroU8::new(113).unwrap();
    let error = Redaction::default().error(&Refused::Password { tries }).unwrap_err().to_string();
    assert!(error.contains("that is not to be recorded") && !error.contains("113"), "{error}");
}

proptest::proptest! {
    /// Whatever is given, JSON stays JSON, with the same shape, and is hidden once and for all.
    #[test]
    fn json_stays_json(text in "\\PC{0,40}", name in "[a-z]{1,8}", n: i64, deep in 0usize..4) {
        let redaction = Redaction::default().key("deep").pattern("[aeiou0-3]{2}").unwrap();
        let mut value = serde_json::json!({ &name: [&text, n, {"token": &text}, [&text, &text]], &text: null });
        for level in 0..deep {
            value = serde_json::json!([{ "deep": value, "level": level }, ["cookie", &text]]);
        }
        let given = value.to_string();
        let hidden = json(&redaction, &given);
        let read: serde_json::Value = serde_json::from_str(&hidden).unwrap();
        proptest::prop_assert_eq!(read.is_array(), value.is_array());
        proptest::prop_assert_eq!(json(&Redaction::new(), &hidden), hidden);
    }

    /// A live secret is in no text that was hidden, in whatever it was wrapped.
    #[test]
    fn a_secret_is_nowhere(before in "\\PC{0,9}", secret in "[!-~äöü]{6,24}", after in "\\PC{0,9}") {
        let _live = Secret::new(secret.clone());
        let text = format!("{before}{secret}{after}");
        let nested = serde_json::to_string(&text).unwrap();
        let value = serde_json::json!([&text, { &text: nested }, format!("{text:?}"), text.as_bytes()]).to_string();
        let hidden = json(&Redaction::new(), &value);
        proptest::prop_assert!(!hidden.contains(&secret), "{}", hidden);
        let read: serde_json::Value = serde_json::from_str(&hidden).unwrap();
        let bytes: Vec<u8> = serde_json::from_value(read[3].clone()).unwrap();
        proptest::prop_assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
}
