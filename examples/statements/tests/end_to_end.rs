//! The program as a user runs it: to the end, killed, stopped by a bad line.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use statements::page::Statement;

const KEPT: &str = include_str!("../orders.jsonl");

fn statements(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statements")).arg("--data").arg(dir.join("data")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What was written, as lines.
fn written(dir: &Path) -> Vec<Statement> {
    let text = std::fs::read_to_string(dir.join("data/statements.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What must be written in the end: each customer once, with all the orders there are.
fn due() -> Vec<Statement> {
    let mut due = BTreeMap::new();
    for line in KEPT.lines() {
        let order: Value = serde_json::from_str(line).unwrap();
        let customer = order["customer"].as_str().unwrap().to_owned();
        let (orders, cents) = due.entry(customer).or_insert((0, 0));
        (*orders, *cents) = (*orders + 1, *cents + order["amount_cents"].as_u64().unwrap());
    }
    let due = due.into_iter();
    due.map(|(customer, (orders, amount_cents))| Statement { customer, orders, amount_cents }).collect()
}

#[test]
fn every_customer_gets_one_statement_and_a_second_call_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let first = statements(dir.path(), &[]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(text(&first.stdout).contains("500 orders in 50 pages: 159 statements, $"), "{}", text(&first.stdout));
    assert_eq!(written(dir.path()), due());

    let second = statements(dir.path(), &[]);
    assert!(second.status.success(), "{}", text(&second.stderr));
    assert!(text(&second.stdout).contains("\n50 of the pages had been written before"), "{}", text(&second.stdout));
    assert_eq!(written(dir.path()), due());
}

#[test]
fn killed_in_the_middle_of_a_page_it_goes_on_behind_the_last_one() {
    let dir = tempfile::tempdir().unwrap();
    let killed = statements(dir.path(), &["--kill-after", "20"]);
    assert_eq!(killed.status.signal(), Some(9), "{}", text(&killed.stderr));
    let torn = std::fs::read_to_string(dir.path().join("data/statements.jsonl")).unwrap();
    assert!(!torn.ends_with('\n'), "half of a page is there");

    let again = statements(dir.path(), &[]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("\n20 of the pages had been written before"), "{}", text(&again.stdout));
    assert_eq!(written(dir.path()), due());
}

#[test]
fn killed_in_every_page_it_comes_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["--page", "25", "--kill-after", "1"];
    for page in 1..20 {
        let killed = statements(dir.path(), &arguments);
        assert_eq!(killed.status.signal(), Some(9), "page {page}: {}", text(&killed.stderr));
    }
    let last = statements(dir.path(), &arguments);
    assert!(last.status.success(), "{}", text(&last.stderr));
    assert!(text(&last.stdout).contains("\n19 of the pages had been written before"), "{}", text(&last.stdout));
    assert_eq!(written(dir.path()), due());
}

#[test]
fn a_bad_line_stops_the_job_and_once_it_is_mended_the_job_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let orders = dir.path().join("orders.jsonl");
    let arguments = ["--orders", orders.to_str().unwrap()];
    let lines: Vec<&str> = KEPT.lines().collect();
    let unsorted = [&lines[..200], &lines[..1], &lines[200..]].concat().join("\n");
    let no_order = KEPT.replacen("\"cd-00200\",\"customer\"", "\"cd-00200\",\"buyer\"", 1);
    for (text_of_file, problem) in [
        (no_order, "error: line 200: no order: missing field `customer`"),
        (unsorted, "error: line 201: `c0001` stands behind `c0076`: sort the orders by customer"),
    ] {
        std::fs::write(&orders, text_of_file).unwrap();
        let stopped = statements(dir.path(), &arguments);
        assert_eq!(stopped.status.code(), Some(1));
        assert!(text(&stopped.stderr).starts_with(problem), "{}", text(&stopped.stderr));
    }
    std::fs::write(&orders, KEPT).unwrap();
    let mended = statements(dir.path(), &arguments);
    assert!(mended.status.success(), "{}", text(&mended.stderr));
    assert!(text(&mended.stdout).contains("\n20 of the pages had been written before"), "{}", text(&mended.stdout));
    assert_eq!(written(dir.path()), due());
}

#[test]
fn statements_that_are_gone_are_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    statements(dir.path(), &["--kill-after", "20"]);
    let out = dir.path().join("data/statements.jsonl");
    std::fs::write(&out, "").unwrap();
    let stopped = statements(dir.path(), &[]);
    assert_eq!(stopped.status.code(), Some(1));
    assert!(text(&stopped.stderr).contains("bring them back"), "{}", text(&stopped.stderr));
    assert_eq!(std::fs::read(&out).unwrap(), b"");
}

#[test]
fn another_job_in_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    statements(dir.path(), &[]);
    let other = statements(dir.path(), &["--page", "7"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).starts_with("error: this directory has a job"), "{}", text(&other.stderr));
    assert_eq!(written(dir.path()), due());
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = statements(dir.path(), &["--orders", "no/such/file"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(
        text(&out.stderr).starts_with("error: cannot read the order file `no/such/file`: "),
        "{}",
        text(&out.stderr)
    );
    assert!(!dir.path().join("data").exists(), "nothing is made for a file that is not there");
}
