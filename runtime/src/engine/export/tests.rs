use proptest::prelude::*;

use super::read::Import;
use super::*;
use crate::engine::Error;

const LINES: &str = concat!(
    r#"{"factum":"run","format":1,"id":"a","workflow":"w","version":1,"exported":"2026-11-21T09:30:00.000000000Z"}"#,
    "\n",
    r#"{"blob":7,"len":3,"crc":"352441c2","at":0,"base64":"YWJj"}"#,
    "\n",
    r#"{"lsn":3,"time":"2026-11-21T09:30:00.000000001Z","event":{"run started":{"id":"a","workflow":"w","version":1,"#,
    r#""fingerprint":"00000000000000ff","origin":"67e55044-10b1-426f-9247-bb680e5fe0c8","origin_run":2,"#,
    r#""input":[{"$blob":7}]}},"blobs":[7]}"#,
    "\n",
    r#"{"lsn":9,"time":"2026-11-21T09:30:02.000000000Z","event":{"timer set":{"at":"0","wake_at":"2026-11-22T00:00:00Z"}}}"#,
    "\n",
    r#"{"end":true,"records":2}"#,
    "\n",
);

fn read(lines: &[u8]) -> Result<Import, Error> {
    Import::read(lines)
}

#[test]
fn what_is_written_by_hand_is_read_too() {
    let import = read(LINES.as_bytes()).unwrap();
    assert_eq!(import.events.len(), 2);
    assert_eq!(import.blobs[&7].bytes, b"abc");
    assert_eq!(import.state.start.origin_run, 2);
}

#[test]
fn a_line_without_an_end_is_given_up_at_the_limit() {
    let error = super::read::first_line(std::io::repeat(b'x'), 1000).unwrap_err();
    assert!(matches!(error, ImportError::LineTooLong { limit: 1000 }), "{error}");
    let fits = super::read::first_line(&[b"x".repeat(1000), b"\n".to_vec()].concat()[..], 1000).unwrap();
    assert_eq!(fits.unwrap().len(), 1000);
}

#[test]
fn an_export_cut_at_any_byte_is_refused() {
    let whole = LINES.trim_end().len();
    for len in 0..whole {
        assert!(matches!(read(&LINES.as_bytes()[..len]), Err(Error::Import { .. })), "cut to {len} bytes");
    }
    assert!(read(&LINES.as_bytes()[..whole]).is_ok());
}

proptest! {
    #[test]
    fn bytes_that_are_changed_anywhere_are_refused_or_read_without_a_panic(
        at in 0..LINES.len(),
        bytes in prop::collection::vec(any::<u8>(), 0..4),
        gone in 0usize..4,
    ) {
        let mut lines = LINES.as_bytes().to_vec();
        lines.splice(at..(at + gone).min(LINES.len()), bytes);
        match read(&lines) {
            Ok(import) => prop_assert_eq!(import.events.len(), 2),
            Err(Error::Import { line, .. }) => prop_assert!((1..=7).contains(&line)),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
