//! An exported run is replayed, and the server is down: it gives what it gave, or says what does not fit.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod common;

use std::path::{Path, PathBuf};

use common::judge::judge;
use common::{Kill, Lives};

const ORDERS: &[&str] = &["cd-00002", "cd-00003"];

/// An agent that was killed twice and has come to its end, and the exports of its runs; the server is down.
async fn exported() -> (Lives, Vec<PathBuf>) {
    let mut lives = Lives::new(ORDERS, false).await;
    lives.live(|line, _| if line == 5 || line == 14 { Kill::Held } else { Kill::No }).await;
    judge(&lives, false).await;
    let (mut files, data) = (Vec::new(), lives.data());
    for order in ORDERS {
        let file = data.with_file_name(format!("{order}.jsonl"));
        let (data, out) = (data.to_str().unwrap(), file.to_str().unwrap());
        let (done, said) = lives.agent(&["export", order, "--data", data, "--out", out]).await;
        assert!(done, "{said}");
        files.push(file);
    }
    lives.server_down().await;
    std::fs::remove_dir_all(data).unwrap();
    (lives, files)
}

/// A copy of an export in which the record of a fact, by the step's position and its key, is another or none.
fn changed(file: &Path, fact: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines.iter().position(|line| line.contains(fact)).unwrap();
    match change(&lines[at]) {
        Some(other) => {
            assert_ne!(lines[at], other, "nothing is changed");
            lines[at] = other;
        }
        None => drop(lines.remove(at)),
    }
    // The first line and the last are no records.
    let records = lines.len() - 2;
    *lines.last_mut().unwrap() = format!("{{\"end\":true,\"records\":{records}}}");
    let path = file.with_extension("changed.jsonl");
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_run_gives_what_it_gave_and_nobody_is_asked() {
    let (lives, files) = exported().await;
    for (order, file) in ORDERS.iter().zip(files) {
        let (done, said) = lives.agent(&["replay", file.to_str().unwrap()]).await;
        assert!(done, "{said}");
        let gave = lives.said();
        let gave = gave.lines().find(|line| line.starts_with(order)).unwrap();
        let mut lines = said.lines();
        assert_eq!(lines.next(), Some(gave));
        // Five calls of `think`; a UUID and a call of `give`; the clock and a call of `send`.
        assert_eq!(lines.next(), Some("3 steps ran again, on 9 facts"));
    }
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let (lives, files) = exported().await;
    let replay = async |file: String| {
        let (done, said) = lives.agent(&["replay", &file]).await;
        assert!(!done, "{said}");
        said
    };
    let (budget, past) = (r#""at":"0","fact":"call:http#3""#, r#""at":"0","fact":"call:http#1""#);
    let said = replay(changed(&files[0], budget, |_| None)).await;
    let due = "error: run `cd-00002` has not recorded fact `call:http#3` of step `think` at 0, which asks for";
    assert!(said.starts_with(due) && said.contains("/budgets/cd-00002"), "{said}");

    // A tool has said something else: after that the model would have been asked something else.
    let said = replay(changed(&files[0], budget, |line| Some(line.replace("297", "298")))).await;
    assert!(said.starts_with("error: run `cd-00002` diverges at 0"), "{said}");
    assert!(said.contains("\"gave\":297") && said.contains("\"gave\":298"), "{said}");

    // Something else was asked for.
    let other = |line: &str| {
        let (before, request) = line.split_once("\"request\":\"").unwrap();
        let request = "0".repeat(64) + &request[64..];
        Some(format!("{before}\"request\":\"{request}").replace("customers/c0001", "customers/c0009"))
    };
    let said = replay(changed(&files[0], past, other)).await;
    assert!(said.contains("customers/c0009/orders") && said.contains("customers/c0001/orders"), "{said}");

    // The letter that was sent says something else than what the step has given.
    let sent = r#""at":"2","fact":"call:http#0""#;
    let said = replay(changed(&files[0], sent, |line| Some(line.replace("\\\"number\\\":", "\\\"number\\\":1")))).await;
    assert!(said.contains("step `send` at 2 gave {\"number\":"), "{said}");

    let (done, said) = lives.agent(&["replay", "no/such/file"]).await;
    assert!(!done && said.contains("no/such/file"), "{said}");
}
