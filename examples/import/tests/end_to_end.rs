//! The program as a user runs it: to the end, stopped, held up, refused.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Output, Stdio};

use common::{Input, KEPT, command, import, table, text};

/// The file of a test, with the argument that names it.
fn file(dir: &Path, bytes: &[u8]) -> String {
    let file = dir.join("in.jsonl");
    fs::write(&file, bytes).unwrap();
    file.to_str().unwrap().to_owned()
}

fn assert_said(out: &Output, code: i32, said: &str) {
    let all = format!("{}{}", text(&out.stdout), text(&out.stderr));
    assert_eq!(out.status.code(), Some(code), "{all}");
    assert!(all.contains(said), "{all}");
}

#[test]
fn every_order_is_imported_and_a_second_call_imports_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let first = import(dir.path(), &["--every", "0"]);
    Input::kept().is_imported(dir.path(), &first);
    let states: Vec<String> =
        text(&first.stdout).lines().map_while(|line| Some(line.split_once(": ")?.0.to_owned())).collect();
    // The program begins to watch when the run is durable, and that may have left its first states by then.
    let done = states.iter().position(|state| state == "Done").unwrap();
    let all = [vec!["Opening"], vec!["Page"; 50], vec!["Finishing", "Done"]].concat();
    assert!(all.ends_with(&states[..=done].iter().map(String::as_str).collect::<Vec<_>>()), "{states:?}");

    let second = import(dir.path(), &[]);
    assert!(text(&second.stdout).starts_with("found an import that has ended\nDone: "), "{}", text(&second.stdout));
    Input::kept().is_imported(dir.path(), &second);
}

#[test]
fn what_is_no_order_is_rejected_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let input = Input::spoiled();
    let file = file(dir.path(), &input.text);
    let out = import(dir.path(), &["--file", &file, "--page-lines", "50"]);
    input.is_imported(dir.path(), &out);
    let rejects = table(dir.path(), "rejects.jsonl");
    let problems: Vec<&str> = rejects.iter().take(7).map(|reject| reject["problem"].as_str().unwrap()).collect();
    assert_eq!(
        problems,
        [
            "no order: EOF while parsing a value, at column 46",
            "no order: missing field `customer`, at column 90",
            "an order has at least one piece",
            "`1997-13-01` is no date as `1997-01-31`",
            "no text behind byte 0",
            "a line has at most 65536 bytes",
            "no order: invalid type: null, expected struct Order, at column 4",
        ]
    );
    assert_eq!(rejects[4]["text"], "\u{fffd}\u{fffd} no text");
}

#[test]
fn a_last_line_without_an_end_is_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), KEPT.trim_end().as_bytes());
    let out = import(dir.path(), &["--file", &file, "--page-lines", "499"]);
    Input::kept().is_imported(dir.path(), &out);
}

/// Sends the program a signal in the middle of an import: what it said from there on, and its exit status.
fn interrupted(dir: &Path, signal: rustix::process::Signal) -> (String, Option<i32>) {
    let mut child = command(dir, &["--every", "0", "--page-lines", "2"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..10 {
        said.read_line(&mut String::new()).unwrap();
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    (rest, child.wait().unwrap().code())
}

#[test]
fn sigterm_ends_the_program_and_the_next_one_goes_on() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        // One that comes behind the end of the import interrupts nothing: another one is made.
        let imports = std::iter::repeat_with(|| tempfile::tempdir().unwrap()).take(20);
        let mut ends = imports.map(|dir| (interrupted(dir.path(), signal), dir));
        let ((rest, code), dir) = ends.find(|((_, code), _)| *code != Some(0)).unwrap();
        assert_eq!(code, Some(3), "{rest}");
        assert!(rest.ends_with("interrupted: run this again and it goes on\n"), "{rest}");

        let next = import(dir.path(), &["--page-lines", "2"]);
        let said = text(&next.stdout);
        assert!(said.starts_with("found an import that "), "{said}");
        assert!(!said.contains("before their run knew"), "the page in the air was waited for: {said}");
        Input::kept().is_imported(dir.path(), &next);
    }
}

#[test]
fn a_stop_ends_the_import_between_two_pages() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), KEPT.as_bytes());
    let arguments = ["--file", file.as_str()];
    import(dir.path(), &[&arguments[..], &["--kill-after", "20"]].concat());
    // Held up in a page, so that the stop comes neither before it nor long behind.
    let away = dir.path().join("away");
    fs::rename(&file, &away).unwrap();
    assert_eq!(import(dir.path(), &arguments).status.code(), Some(1));
    fs::rename(&away, &file).unwrap();
    let stopped = import(dir.path(), &[&arguments[..], &["--stop"]].concat());
    for said in [stopped, import(dir.path(), &arguments)] {
        assert_said(&said, 3, "\nstopped behind line 210, for good\n");
        assert_eq!(table(dir.path(), "orders.jsonl").len(), 210);
    }
}

#[test]
fn a_stop_after_the_end_comes_too_late() {
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), &[]);
    Input::kept().is_imported(dir.path(), &import(dir.path(), &["--stop"]));
}

#[test]
fn a_file_that_is_away_for_a_while_holds_the_import_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), KEPT.as_bytes());
    let arguments = ["--file", file.as_str()];
    import(dir.path(), &[&arguments[..], &["--kill-after", "20"]].concat());
    let away = dir.path().join("away");
    fs::rename(&file, &away).unwrap();
    assert_said(&import(dir.path(), &arguments), 1, "run this again when that is mended, and it goes on\n");
    fs::rename(&away, &file).unwrap();
    let mended = import(dir.path(), &arguments);
    assert_said(&mended, 0, "found an import that was stopped by a problem: it tries again\n");
    Input::kept().is_imported(dir.path(), &mended);
}

#[test]
fn a_table_that_cannot_be_opened_for_a_while_holds_the_import_up() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("data/table");
    fs::create_dir(dir.path().join("data")).unwrap();
    fs::write(&table, "in the way").unwrap();
    assert_said(&import(dir.path(), &[]), 1, "run this again when that is mended, and it goes on\n");
    fs::remove_file(&table).unwrap();
    let mended = import(dir.path(), &[]);
    assert_said(&mended, 0, "found an import that was stopped by a problem: it tries again\n");
    Input::kept().is_imported(dir.path(), &mended);
}

#[test]
fn a_file_that_got_shorter_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), KEPT.as_bytes());
    let arguments = ["--file", file.as_str()];
    import(dir.path(), &[&arguments[..], &["--kill-after", "20"]].concat());
    fs::write(&file, &KEPT[..KEPT.len() - 1]).unwrap();
    for _ in 0..2 {
        assert_said(&import(dir.path(), &arguments), 1, "had 46475 bytes when its import began, and has 46474 now\n");
    }
}

#[test]
fn a_table_that_lost_rows_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), &["--kill-after", "20"]);
    let rows = dir.path().join("data/table/orders.jsonl");
    let kept = fs::read(&rows).unwrap();
    fs::write(&rows, "").unwrap();
    assert_said(&import(dir.path(), &[]), 1, "0 bytes are left of the 20698 of `orders.jsonl`: bring them back");
    assert_eq!(fs::read(&rows).unwrap(), b"");
    fs::write(&rows, kept).unwrap();
    Input::kept().is_imported(dir.path(), &import(dir.path(), &[]));
}

#[test]
fn a_table_of_another_import_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), &[]);
    fs::remove_dir_all(dir.path().join("data/engine")).unwrap();
    assert_said(
        &import(dir.path(), &[]),
        1,
        "error: the table has lines already: give another directory with `--data`\n",
    );
    assert_eq!(table(dir.path(), "orders.jsonl").len(), 500);
}

#[test]
fn another_import_in_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), &[]);
    assert_said(&import(dir.path(), &["--page-lines", "7"]), 1, "error: this directory has an import of another file");
}

#[test]
fn what_is_no_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert_said(&import(dir.path(), &["--file", "/"]), 1, "error: `/` is no file\n");
    let (dir, empty) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
    assert_said(&import(dir.path(), &["--file", empty.path().to_str().unwrap()]), 1, "` is empty\n");
}
