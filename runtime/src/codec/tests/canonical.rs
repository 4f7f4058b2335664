//! The canonical form against the vectors of RFC 8785 and of its reference implementation.

use proptest::prelude::*;

use super::super::{Payload, canonical_of, encode};

/// The canonical form of a JSON text.
fn canonical(json: &str) -> String {
    canonical_of(&Payload::from_bytes(json.as_bytes())).unwrap().1
}

/// The canonical form of a number as a value that is recorded has it.
fn number(number: f64) -> String {
    canonical_of(&encode(&number).unwrap()).unwrap().1
}

/// RFC 8785, appendix B: a double's bits, and its text; none where it is an error.
const NUMBERS: &[(u64, Option<&str>)] = &[
    (0x0000_0000_0000_0000, Some("0")),
    (0x8000_0000_0000_0000, Some("0")),
    (0x0000_0000_0000_0001, Some("5e-324")),
    (0x8000_0000_0000_0001, Some("-5e-324")),
    (0x7fef_ffff_ffff_ffff, Some("1.7976931348623157e+308")),
    (0xffef_ffff_ffff_ffff, Some("-1.7976931348623157e+308")),
    (0x4340_0000_0000_0000, Some("9007199254740992")),
    (0xc340_0000_0000_0000, Some("-9007199254740992")),
    (0x4430_0000_0000_0000, Some("295147905179352830000")),
    (0x7fff_ffff_ffff_ffff, None),
    (0x7ff0_0000_0000_0000, None),
    (0x44b5_2d02_c7e1_4af5, Some("9.999999999999997e+22")),
    (0x44b5_2d02_c7e1_4af6, Some("1e+23")),
    (0x44b5_2d02_c7e1_4af7, Some("1.0000000000000001e+23")),
    (0x444b_1ae4_d6e2_ef4e, Some("999999999999999700000")),
    (0x444b_1ae4_d6e2_ef4f, Some("999999999999999900000")),
    (0x444b_1ae4_d6e2_ef50, Some("1e+21")),
    (0x3eb0_c6f7_a0b5_ed8c, Some("9.999999999999997e-7")),
    (0x3eb0_c6f7_a0b5_ed8d, Some("0.000001")),
    (0x41b3_de43_5555_5553, Some("333333333.3333332")),
    (0x41b3_de43_5555_5554, Some("333333333.33333325")),
    (0x41b3_de43_5555_5555, Some("333333333.3333333")),
    (0x41b3_de43_5555_5556, Some("333333333.3333334")),
    (0x41b3_de43_5555_5557, Some("333333333.33333343")),
    (0xbecb_f647_612f_3696, Some("-0.0000033333333333333333")),
    (0x4314_3ff3_c1cb_0959, Some("1424953923781206.2")),
];

#[test]
fn numbers_are_written_as_appendix_b_has_them() {
    for (bits, text) in NUMBERS {
        let double = f64::from_bits(*bits);
        match text {
            Some(text) => assert_eq!(number(double), *text, "{bits:016x}"),
            None => assert!(encode(&double).is_err(), "{bits:016x}"),
        }
    }
    assert!(encode(&f64::NEG_INFINITY).is_err());
    // Nor is there a JSON text of one.
    for json in ["NaN", "Infinity", "-Infinity", "1e999"] {
        assert!(canonical_of(&Payload::from_bytes(json.as_bytes())).is_err(), "{json}");
    }
}

/// The files `arrays`, `french`, `structures`, `unicode`, `values` and `weird` of the reference implementation
/// (`cyberphone/json-canonicalization`), and the RFC's own examples: of everything (3.2.2) and of the order of members
/// (3.2.3).
const FILES: &[(&str, &str, &str)] = &[
    (
        "arrays",
        "[\n  56,\n  {\n    \"d\": true,\n    \"10\": null,\n    \"1\": [ ]\n  }\n]",
        r#"[56,{"1":[],"10":null,"d":true}]"#,
    ),
    (
        "french",
        "{\n \"peach\": \"This sorting order\",\n \"péché\": \"is wrong according to French\",\n \
         \"pêche\": \"but canonicalization \
         MUST\",\n \"sin\":   \"ingnore locale\"\n}",
        "{\"peach\":\"This sorting order\",\"péché\":\"is wrong according to French\",\"pêche\":\"but canonicalization \
         MUST\",\"sin\":\"ingnore locale\"}",
    ),
    (
        "structures",
        "{\n  \"1\": {\"f\": {\"f\": \"hi\",\"F\": 5} ,\"\\n\": 56.0},\n  \"10\": { },\n  \
         \"\": \"empty\",\n  \"a\": { },\n  \
         \"111\": [ { } ],\n  \"A\": { }\n}",
        r#"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}"#,
    ),
    ("unicode", r#"{ "Unnormalized Unicode":"A\u030a" }"#, "{\"Unnormalized Unicode\":\"A\u{30a}\"}"),
    ("unicode", r#"{ "Unnormalized Unicode":"\u1e0d\u0307" }"#, "{\"Unnormalized Unicode\":\"\u{1e0d}\u{307}\"}"),
    (
        "values",
        r#"{ "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
             "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false] }"#,
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
         \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
    ),
    (
        "weird",
        r#"{ "\u20ac": "Euro Sign", "\r": "Carriage Return", "\u000a": "Newline", "1": "One", "\u0080": "Control\u007f",
             "\ud83d\ude02": "Smiley", "\u00f6": "Latin Small Letter O With Diaeresis",
             "\ufb33": "Hebrew Letter Dalet With Dagesh", "</script>": "Browser Challenge" }"#,
        "{\"\\n\":\"Newline\",\"\\r\":\"Carriage Return\",\"1\":\"One\",\"</script>\":\"Browser Challenge\",\
         \"\u{80}\":\"Control\u{7f}\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
         \"\u{1f602}\":\"Smiley\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
    ),
];

#[test]
fn the_files_of_the_reference_implementation_come_out_to_the_byte() {
    for (name, given, wanted) in FILES {
        assert_eq!(canonical(given), *wanted, "{name}");
        assert_eq!(canonical(wanted), *wanted, "{name}, once more");
    }
}

#[test]
fn members_are_in_the_order_of_their_utf16_units() {
    let order = ["\\r", "1", "\u{80}", "ö", "€", "😀", "\u{fb33}"];
    let given: Vec<String> = order.iter().rev().map(|name| format!("\"{name}\":0")).collect();
    let wanted: Vec<String> = order.iter().map(|name| format!("\"{name}\":0")).collect();
    assert_eq!(canonical(&format!("{{{}}}", given.join(","))), format!("{{{}}}", wanted.join(",")));
    // In the order of their code points the last two would stand the other way round.
    assert!("😀" > "\u{fb33}");
}

#[test]
fn an_integer_that_no_double_holds_is_the_one_exception() {
    let large = "295147905179352830000";
    // As a double it is the RFC's, and as an integer it keeps its digits.
    assert_eq!(number(295_147_905_179_352_830_000.0), large);
    assert_eq!(canonical(large), format!(r#"{{"$integer":"{large}"}}"#));
    assert_eq!(canonical("[9007199254740992,-9007199254740992]"), "[9007199254740992,-9007199254740992]");
    assert_eq!(canonical("-9007199254740993"), r#"{"$integer":"-9007199254740993"}"#);
}

/// ECMAScript's text of a double, from the shortest digits as Rust finds them (`Number::toString`, ECMA-262,
/// 6.1.6.1.20).
fn ecmascript(double: f64) -> String {
    if double == 0.0 {
        return "0".to_owned();
    }
    let shortest = format!("{:e}", double.abs());
    // Of two texts of this length that are equally near, the even one, as RFC 8785 wants it.
    let count = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    let nearest = format!("{:.*e}", count - 1, double.abs());
    let text = if nearest.parse::<f64>() == Ok(double.abs()) { nearest } else { shortest };
    let (mantissa, exponent) = text.split_once('e').unwrap();
    let digits = mantissa.replace('.', "");
    let (k, n) = (digits.len() as i32, exponent.parse::<i32>().unwrap() + 1);
    let zeros = |count: i32| "0".repeat(count as usize);
    let magnitude = if k <= n && n <= 21 {
        format!("{digits}{}", zeros(n - k))
    } else if 0 < n && n <= 21 {
        format!("{}.{}", &digits[..n as usize], &digits[n as usize..])
    } else if -6 < n && n <= 0 {
        format!("0.{}{digits}", zeros(-n))
    } else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{first}{point}{rest}e{}{}", if n > 0 { "+" } else { "-" }, (n - 1).abs())
    };
    format!("{}{magnitude}", if double < 0.0 { "-" } else { "" })
}

#[test]
fn the_judge_of_numbers_knows_appendix_b() {
    for (bits, text) in NUMBERS.iter().filter_map(|(bits, text)| Some((*bits, (*text)?))) {
        assert_eq!(ecmascript(f64::from_bits(bits)), text, "{bits:016x}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn any_double_is_written_as_ecmascript_writes_it(bits: u64, exponent in -40..60i32, mantissa in 1..1_000_000i64) {
        let small = mantissa as f64 * 10f64.powi(exponent);
        for double in [f64::from_bits(bits), small, -small].into_iter().filter(|double| double.is_finite()) {
            prop_assert_eq!(number(double), ecmascript(double), "{:016x}", double.to_bits());
        }
    }
}
