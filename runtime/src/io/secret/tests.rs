//! Secrets, and where they are found.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::*;

/// A text without its secrets, in the policy that knows nothing else.
fn hidden(text: &str) -> String {
    crate::io::Redaction::new().text(text)
}

#[test]
fn a_secret_prints_as_one() {
    let secret = Secret::new("swordfish-print".to_owned());
    assert_eq!(format!("{secret} {secret:?} {:?}", Some(secret.clone())), "Secret(..) Secret(..) Some(Secret(..))");
    assert_eq!(secret.expose(), "swordfish-print");
    assert_eq!(Secret::new([7u8; 32]).expose(), &[7; 32]);
}

#[test]
fn a_secret_is_read_from_a_configuration() {
    #[derive(serde::Deserialize)]
    struct Config {
        key: Secret<String>,
        salt: Secret<Vec<u8>>,
    }
    let config: Config = serde_json::from_str(r#"{"key":"swordfish-config","salt":[1,2,3]}"#).unwrap();
    assert_eq!((config.key.expose().as_str(), &**config.salt.expose()), ("swordfish-config", &[1u8, 2, 3][..]));
    assert_eq!(hidden("a swordfish-config b"), "a [redacted] b");
}

#[test]
fn it_is_found_until_its_last_clone_is_gone() {
    let text = "is swordfish-clone it";
    assert_eq!(hidden(text), text);
    let secret = Secret::new("swordfish-clone".to_owned());
    let (clone, same) = (secret.clone(), Secret::new(b"swordfish-clone".to_vec()));
    drop(secret);
    assert_eq!(hidden(text), "is [redacted] it");
    drop(clone);
    assert_eq!(hidden(text), "is [redacted] it");
    drop(same);
    assert_eq!(hidden(text), text);
}

#[test]
fn a_short_one_and_an_empty_one_are_not_looked_for() {
    let _short = Secret::new("q7w8e".to_owned());
    let _empty = (Secret::new(String::new()), Secret::new("  \n".to_owned()));
    assert_eq!(hidden("a q7w8e b \n  "), "a q7w8e b \n  ");
    let _enough = Secret::new("q7w8er".to_owned());
    assert_eq!(hidden("a q7w8er b"), "a [redacted] b");
}

#[test]
fn white_space_around_it_does_not_count() {
    let _read_from_a_file = Secret::new(" swordfish-line\n".to_owned());
    assert_eq!(hidden("<swordfish-line>"), "<[redacted]>");
}

#[test]
fn it_is_found_in_each_of_its_forms() {
    let plain = "sw\"ord\nfish/ü + §7";
    let _secret = Secret::new(plain.to_owned());
    assert_eq!(hidden(&format!("<{plain}>")), "<[redacted]>");
    assert_eq!(hidden(&format!("{plain:?}")), "\"[redacted]\"");
    assert_eq!(hidden(&serde_json::to_string(plain).unwrap()), "\"[redacted]\"");
    for encoded in [
        "sw%22ord%0Afish%2F%C3%BC%20%2B%20%C2%A77",
        "sw%22ord%0Afish%2F%C3%BC+%2B+%C2%A77",
        "7377226f72640a666973682fc3bc202b20c2a737",
        "7377226F72640A666973682FC3BC202B20C2A737",
    ] {
        assert_eq!(hidden(&format!("/{encoded}?")), "/[redacted]?");
    }
    assert_eq!(hidden(&format!("{:?}", plain.as_bytes())), "[[redacted]]");
}

#[test]
fn it_is_found_in_base64_whatever_stands_around_it() {
    let (plain, mut longest) = ("k\u{3ff}~?>=swordfish", 0);
    let _secret = Secret::new(plain.to_owned());
    for (before, after) in (0..7).flat_map(|before| (0..7).map(move |after| (before, after))) {
        for engine in [&STANDARD, &URL_SAFE] {
            let text = format!("{}{plain}{}", "u".repeat(before), "p".repeat(after));
            let encoded = engine.encode(&text);
            let hidden = hidden(&encoded);
            assert!(hidden.contains("[redacted]"), "{text}: {encoded}");
            // What is left holds no more of it than a byte at each end.
            let left = hidden.len() - "[redacted]".len();
            longest = longest.max(left - (before + after) * 4 / 3);
        }
    }
    assert!(longest <= 6, "{longest}");
}

#[test]
fn what_is_no_text_is_found_in_its_encodings() {
    let bytes = [0xff, 0xfe, 7, 0x80, 9, 250, 0xff];
    let _secret = Secret::new(bytes);
    assert_eq!(hidden("fffe078009faff"), "[redacted]");
    assert_eq!(hidden(&format!("{bytes:?}")), "[[redacted]]");
    assert!(hidden(&STANDARD.encode(bytes)).starts_with("[redacted]"));
}

#[test]
fn overlapping_secrets_leave_nothing_of_each_other() {
    let _secrets =
        [Secret::new("abcabcxyz".to_owned()), Secret::new("xyzxyzd".to_owned()), Secret::new("ababab".to_owned())];
    assert_eq!(hidden("<abcabcxyzxyzd>"), "<[redacted]>");
    assert_eq!(hidden("<abababab>"), "<[redacted]>");
}

#[test]
fn of_a_text_that_was_cut_the_beginning_is_hidden() {
    let _secret = Secret::new("cutfish-and-more".to_owned());
    assert_eq!(hidden("it is cutfish-a…"), "it is [redacted]…");
    assert_eq!(hidden("it is cutfish-a..."), "it is [redacted]...");
    // That may be anything.
    assert_eq!(hidden("it is cutf…"), "it is cutf…");
    assert_eq!(hidden("it is cutfish-a"), "it is cutfish-a");
}
