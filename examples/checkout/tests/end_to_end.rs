//! The program as a user runs it: twenty orders, a crash, bad lines, no file.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::path::Path;
use std::process::{Command, Output};

use checkout::orders::OrderFile;
use checkout::provider::{Operation, Verdict, completes, read_entries};

const KEPT: &str = include_str!("../orders.jsonl");

fn checkout(dir: &Path, args: &[&str]) -> Output {
    let data = dir.join("data");
    Command::new(env!("CARGO_BIN_EXE_checkout")).arg("--data").arg(data).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes an order file and gives its path back.
fn order_file(dir: &Path, lines: &[&str]) -> String {
    let path = dir.join("orders.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The orders that the ledger has as charged, with what is left of the charge.
fn charged(dir: &Path, order: &str) -> (usize, i64) {
    let (mut charges, mut net) = (0, 0);
    for entry in read_entries(&dir.join("data/provider.jsonl")).unwrap() {
        let Verdict::Done(done) = &entry.verdict else { continue };
        let cents = i64::try_from(done.amount_cents).unwrap();
        match entry.operation {
            _ if entry.order != order => {}
            Operation::Charge => (charges, net) = (charges + 1, net + cents),
            Operation::Refund | Operation::Void => net -= cents,
            _ => {}
        }
    }
    (charges, net)
}

#[test]
fn twenty_orders_end_as_they_must_and_are_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<_> = KEPT.lines().skip(210).take(20).collect();
    let orders = order_file(dir.path(), &lines);
    let first = checkout(dir.path(), &["--orders", &orders]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let file = OrderFile::parse(lines.join("\n").as_bytes());
    let mut completed = 0;
    for line in &file.orders {
        let good = completes(&line.order.id, line.order.amount_cents);
        completed += usize::from(good);
        let (charges, net) = charged(dir.path(), &line.order.id);
        let amount = i64::try_from(line.order.amount_cents).unwrap();
        assert_eq!(net, if good { amount } else { 0 }, "{}", line.order.id);
        assert!(charges <= 1, "{} was charged {charges} times", line.order.id);
        assert!(amount > 0 || charges == 0, "{} is free", line.order.id);
    }
    let summary = format!("20 orders: {completed} completed, {} compensated", 20 - completed);
    assert!(text(&first.stdout).contains(&summary), "{}", text(&first.stdout));

    let asked = read_entries(&dir.path().join("data/provider.jsonl")).unwrap();
    let second = checkout(dir.path(), &["--orders", &orders]);
    assert!(second.status.success(), "{}", text(&second.stderr));
    let said = text(&second.stdout);
    assert!(said.contains(&summary) && said.contains("20 of them had ended before"), "{said}");
    assert_eq!(read_entries(&dir.path().join("data/provider.jsonl")).unwrap(), asked);
}

#[test]
fn a_program_that_kills_itself_goes_on_when_it_is_run_again() {
    use std::os::unix::process::ExitStatusExt;
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<_> = KEPT.lines().take(8).collect();
    let orders = order_file(dir.path(), &lines);
    let killed = checkout(dir.path(), &["--orders", &orders, "--kill-after", "5"]);
    assert_eq!(killed.status.signal(), Some(9), "{}", text(&killed.stderr));
    let again = checkout(dir.path(), &["--orders", &orders]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("8 orders: "), "{}", text(&again.stdout));
    for line in OrderFile::parse(lines.join("\n").as_bytes()).orders {
        let due = if completes(&line.order.id, line.order.amount_cents) { line.order.amount_cents } else { 0 };
        let (charges, net) = charged(dir.path(), &line.order.id);
        assert!(charges <= 1 && net == i64::try_from(due).unwrap(), "{}: {charges} charges, {net}", line.order.id);
    }
}

#[test]
fn a_bad_line_is_reported_and_not_charged_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let bad = r#"{"order":"cd-x","customer":"c","date":"1997-01-01","quantity":1,"amount_cents":"9"}"#;
    let lines: Vec<_> = KEPT.lines().take(2).collect();
    let orders = order_file(dir.path(), &[lines[0], bad, lines[1]]);
    let out = checkout(dir.path(), &["--orders", &orders]);
    assert_eq!(out.status.code(), Some(3), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("line 2: not processed"), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("2 orders: "), "{}", text(&out.stdout));
    assert!(read_entries(&dir.path().join("data/provider.jsonl")).unwrap().iter().all(|entry| entry.order != "cd-x"));
}

#[test]
fn an_id_that_was_processed_as_another_order_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let line = KEPT.lines().next().unwrap();
    checkout(dir.path(), &["--orders", &order_file(dir.path(), &[line])]);
    let changed = line.replace("\"amount_cents\":", "\"amount_cents\":1");
    let out = checkout(dir.path(), &["--orders", &order_file(dir.path(), &[&changed])]);
    assert_eq!(out.status.code(), Some(3), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("line 1: not processed: order `cd-00001`"), "{}", text(&out.stderr));
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = checkout(dir.path(), &["--orders", "no/such/file"]);
    assert_eq!(out.status.code(), Some(1));
    let said = text(&out.stderr);
    assert!(said.starts_with("error: cannot read the order file `no/such/file`: "), "{said}");
    assert!(!dir.path().join("data").exists(), "nothing is made for a file that is not there");
}
