mod canonical;

use std::collections::BTreeMap;

use super::*;

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Shape {
    Unit,
    Newtype(f64),
    Tuple(u8, Option<f32>),
    Struct { by_id: BTreeMap<u32, Vec<(String, i128)>> },
}

#[test]
fn every_shape_comes_back() {
    let mut by_id = BTreeMap::new();
    by_id.insert(7, vec![("a".to_owned(), i128::from(i64::MIN) - 1)]);
    for shape in [Shape::Unit, Shape::Newtype(0.1 + 0.2), Shape::Tuple(1, None), Shape::Struct { by_id }] {
        let payload = encode(&shape).unwrap();
        assert_eq!(decode::<Shape>(&payload).unwrap(), shape);
    }
}

#[test]
fn floats_that_json_cannot_hold_are_refused_at_any_depth() {
    assert!(encode(&f64::NAN).is_err());
    assert!(encode(&f32::INFINITY).is_err());
    assert!(encode(&Shape::Newtype(f64::NEG_INFINITY)).is_err());
    assert!(encode(&Shape::Tuple(0, Some(f32::NAN))).is_err());
    assert!(encode(&vec![Some(BTreeMap::from([("x", f64::NAN)]))]).is_err());
    let text = encode(&f64::NAN).unwrap_err().to_string();
    assert_eq!(text, "JSON cannot hold the float NaN");
}

#[test]
fn a_map_key_that_is_no_string_is_refused() {
    assert!(encode(&BTreeMap::from([((1, 2), 3)])).is_err());
    assert!(encode(&BTreeMap::from([(Some("a"), 3)])).is_ok());
}

#[test]
fn a_value_beyond_the_limit_is_refused() {
    let text = "x".repeat(MAX_PAYLOAD);
    let error = encode(&text).unwrap_err().to_string();
    assert!(error.contains("more than the limit of 16777216"), "{error}");
}

#[test]
fn doubles_come_back_to_the_bit() {
    for float in [0.1f64, 1e-308, 5e-324, 1.797_693_134_862_315_7e308, 123_456_789.012_345_68] {
        assert_eq!(decode::<f64>(&encode(&float).unwrap()).unwrap().to_bits(), float.to_bits());
    }
}
