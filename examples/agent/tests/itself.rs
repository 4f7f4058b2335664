//! The program as a user runs it: with a server of its own, killed by itself, with a wrong token, with no file.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use agent::server::{Line, Operation, read_lines};

fn agent(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_agent")).arg("--data").arg(data).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done(lines: &[Line], operation: Operation) -> usize {
    lines.iter().filter(|line| line.end.did() && line.asked.operation() == operation).count()
}

#[test]
fn six_orders_come_to_their_ends_and_nothing_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let first = agent(dir.path(), &[]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let said = text(&first.stdout);
    assert_eq!(said.lines().count(), 6, "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("undone: refused with status 422")).count(), 1, "{said}");
    let log = dir.path().join("server.jsonl");
    let lines = read_lines(&log).unwrap();
    let all = [Operation::Chat, Operation::Give, Operation::Withdraw, Operation::Send];
    assert_eq!(all.map(|operation| done(&lines, operation)), [18, 4, 1, 5]);

    let again = agent(dir.path(), &[]);
    assert_eq!((text(&again.stdout), read_lines(&log).unwrap()), (said, lines));
}

#[test]
fn a_program_that_kills_itself_goes_on_when_it_is_run_again() {
    let dir = tempfile::tempdir().unwrap();
    for lines in ["20", "9"] {
        let killed = agent(dir.path(), &["--kill-after", lines]);
        assert_eq!(killed.status.signal(), Some(9), "{}", text(&killed.stderr));
    }
    let last = agent(dir.path(), &[]);
    assert!(last.status.success(), "{}", text(&last.stderr));
    let lines = read_lines(&dir.path().join("server.jsonl")).unwrap();
    let all = [Operation::Chat, Operation::Give, Operation::Withdraw, Operation::Send];
    assert_eq!(all.map(|operation| done(&lines, operation)), [18, 4, 1, 5], "{lines:#?}");
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let out = agent(&data, &["--orders", "no/such/file"]);
    assert_eq!(out.status.code(), Some(1));
    let said = text(&out.stderr);
    assert!(said.starts_with("error: cannot read the order file `no/such/file`: "), "{said}");
    assert!(!data.exists(), "nothing is made for a file that is not there");
}
