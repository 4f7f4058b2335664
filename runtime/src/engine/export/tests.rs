use proptest::prelude::*;

use super::lines::Line;
use super::read::Import;
use super::*;
use crate::engine::Error;
use crate::id::Lsn;
use crate::record::json::Aside;
use crate::time::Timestamp;

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

/// What comes of an event as the last one.
fn read_with(event: &str) -> Result<Import, Error> {
    let record = format!(r#"{{"lsn":10,"time":"2026-11-21T09:30:02.000000000Z","event":{event}}}"#);
    read(LINES.replace(r#"{"end":true,"records":2}"#, &format!("{record}\n{{\"end\":true,\"records\":3}}")).as_bytes())
}

#[test]
fn a_name_or_an_id_that_no_engine_writes_is_impossible() {
    let impossible =
        |event: &str| matches!(read_with(event), Err(Error::Import { source: ImportError::Impossible { .. }, .. }));
    let forms = [
        r#"{"child ended":{"at":"1","child":"<>","end":"cancelled"}}"#,
        r#"{"start options":{"parent":"<>","linked":false}}"#,
        r#"{"value drawn":{"at":"1","source":"<>","value":1}}"#,
        r#"{"again":{"visit":1,"input":[],"carried":{"received":1,"inbox":[{"number":0,"signal":"<>","payload":1}]}}}"#,
        r#"{"again":{"visit":1,"input":[],"carried":{"received":1,"senders":[["<>","s"]]}}}"#,
        r#"{"again":{"visit":1,"input":[],"carried":{"received":0,"undo":[{"of":"0","step":"<>","kind":"unknown"}]}}}"#,
    ];
    for form in forms {
        assert!(impossible(&form.replace("<>", "")), "{form}");
        assert!(!impossible(&form.replace("<>", "name")), "{form}");
    }
    let child =
        r#"{"again":{"visit":1,"input":[],"carried":{"received":0,"undo":[{"of":"0","step":"\n","kind":"child"}]}}}"#;
    assert!(!impossible(child), "it is no name that code gave");
}

#[test]
fn a_line_tells_of_the_blobs_of_each_value() {
    let aside = |blobs: &[u64], schema| Aside { blobs: blobs.to_vec(), schema };
    let forms = [
        (vec![], r#""event":1}"#),
        (vec![aside(&[7], 1)], r#""event":1,"blobs":[7],"schema":"0000000000000001"}"#),
        (
            vec![aside(&[], 0), aside(&[7, 8], 0), aside(&[], 1)],
            r#""event":1,"others":[{"blobs":[7,8]},{"schema":"0000000000000001"}]}"#,
        ),
    ];
    for (asides, wanted) in forms {
        let text = serde_json::to_string(&Line::new(Lsn(3), Timestamp(0), 1, asides.clone())).unwrap();
        assert!(text.ends_with(wanted), "{text}");
        let (lsn, _, event, again) = serde_json::from_str::<Line<u8>>(&text).unwrap().into_parts();
        let told: Vec<Aside> = if asides.is_empty() { vec![Aside::default()] } else { asides };
        assert_eq!((lsn, event, again), (3, 1, told));
    }
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
