use serde_json::{Value, json};

use super::*;

fn shown(request: &HttpRequest) -> Value {
    let text = codec::canonical_of(&codec::encode(request).unwrap()).unwrap().1;
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_request_shows_what_tells_it_from_others_and_no_secret() {
    let request = HttpRequest::post("https://ann:pass@pay.example:8443/charges?of=1#part")
        .query("tag", "a b")
        .query("tag", 7)
        .header("Accept", "text/plain")
        .header("Authorization", "Bearer planted")
        .secret_header("x-customer", "planted")
        .json(&json!({"cents": 5}))
        .unwrap();
    assert_eq!(
        shown(&request),
        json!({
            "method": "POST",
            "url": "https://pay.example:8443/charges",
            "query": {"of": "1", "tag": ["a b", "7"]},
            "headers": {"accept": "text/plain", "content-type": "application/json"},
            "body": {"json": {"cents": 5}},
        })
    );
    for text in [format!("{request:?}"), request.line()] {
        assert!(!text.contains("pass") && !text.contains("of=1"), "{text}");
    }
    assert_eq!(shown(&HttpRequest::get("http://a/")), json!({"method": "GET", "url": "http://a/"}));
}

#[test]
fn a_token_that_is_renewed_is_no_other_request_and_a_body_is() {
    let request = |token: &str, body: &str| {
        let request = HttpRequest::put("http://a/b").header("x-api-key", token).header("content-type", "text/plain");
        shown(&request.body(body))
    };
    assert_eq!(request("old", "x"), request("new", "x"));
    assert_ne!(request("old", "x"), request("old", "y"));
    assert_eq!(request("old", "x")["body"], json!({"text": "x"}));
}

#[test]
fn of_a_query_no_value_is_shown_that_may_authorise() {
    let request = HttpRequest::get("https://a/b?sig=planted&page=1&user%5Bpassword%5D=planted")
        .query("accessToken", "planted")
        .query("sig", "planted-too");
    assert_eq!(
        shown(&request)["query"],
        json!({
            "sig": ["[redacted]", "[redacted]"],
            "page": "1",
            "user[password]": "[redacted]",
            "accessToken": "[redacted]",
        })
    );
    assert!(!format!("{request:?} {}", request.line()).contains("planted"));
}

#[test]
fn a_type_that_ends_in_json_is_json() {
    let body =
        |kind: &str| shown(&HttpRequest::post("http://a/").header("content-type", kind).body("{ }"))["body"].take();
    assert_eq!(body("application/Problem+JSON; charset=utf-8"), json!({"json": {}}));
    assert_eq!(body("text/json-like"), json!({"text": "{ }"}));
}

#[test]
fn a_mistake_in_a_request_is_told_without_what_may_be_secret() {
    let mistakes = [
        (HttpRequest::get("ann:pass@host"), "its URL"),
        (HttpRequest::get("//ann:pass@host"), "its URL is none"),
        (HttpRequest::get("ftp://ann:pass@host"), "scheme `ftp`"),
        (HttpRequest::new("G T", "http://a/"), "`G T` is no method"),
        (HttpRequest::get("http://a/").header("a b", "pass"), "`a b` is no header's name"),
        (HttpRequest::get("http://a/").header("a", "pass\n"), "the value of header `a` is none"),
    ];
    for (request, told) in mistakes {
        let error = codec::encode(&request).unwrap_err().to_string();
        assert!(error.contains(told) || error.contains("scheme `ann`"), "{error}");
        assert!(!error.contains("pass"), "{error}");
    }
}
