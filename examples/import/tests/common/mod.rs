//! The program as a user runs it, and what it must come to.
#![allow(clippy::unwrap_used, dead_code, reason = "a test panics where it fails, and uses what it needs of this")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) const KEPT: &str = include_str!("../../orders.jsonl");

/// The program, with a data directory in `dir`.
pub(crate) fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_import"));
    command.arg("--data").arg(dir.join("data")).args(args);
    command
}

pub(crate) fn import(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The lines of a file of the table.
pub(crate) fn table(dir: &Path, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join("data/table").join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A file to import, and what is in it as it was put there: nothing here is read by the program's code.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) text: Vec<u8>,
    lines: u64,
    /// The rows that are due, with their lines.
    rows: Vec<Value>,
    /// The lines that are no orders: number, place, length.
    rejects: Vec<(u64, u64, u64)>,
    /// Orders and cents of each month.
    months: BTreeMap<String, (u64, u64)>,
}

impl Input {
    /// The orders that are kept here.
    pub(crate) fn kept() -> Input {
        let mut input = Input::default();
        KEPT.lines().for_each(|line| input.order(line));
        input
    }

    /// The same orders among blank lines, and lines that are none, of every kind.
    pub(crate) fn spoiled() -> Input {
        let mut input = Input::default();
        for (at, line) in KEPT.lines().enumerate() {
            input.order(line);
            let long = format!("{line}{}", " ".repeat(70_000));
            let bad: &[u8] = match at % 97 {
                3 => &line.as_bytes()[..line.len() / 2],
                13 => &line.replace("customer", "buyer").into_bytes(),
                23 => br#"{"order":"x","customer":"c","date":"1997-01-01","quantity":0,"amount_cents":1}"#,
                33 => br#"{"order":"x","customer":"c","date":"1997-13-01","quantity":1,"amount_cents":1}"#,
                43 => b"\xff\xfe no text",
                53 => long.as_bytes(),
                63 => b"null",
                73 | 74 => {
                    input.line(b"  ");
                    continue;
                }
                _ => continue,
            };
            let place = input.text.len() as u64;
            input.line(bad);
            input.rejects.push((input.lines, place, bad.len() as u64 + 1));
        }
        input
    }

    fn order(&mut self, line: &str) {
        self.line(line.as_bytes());
        let mut row: Value = serde_json::from_str(line).unwrap();
        let month = self.months.entry(row["date"].as_str().unwrap()[..7].to_owned()).or_default();
        *month = (month.0 + 1, month.1 + row["amount_cents"].as_u64().unwrap());
        row["line"] = self.lines.into();
        self.rows.push(row);
    }

    fn line(&mut self, line: &[u8]) {
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.lines += 1;
    }

    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    pub(crate) fn rejected(&self) -> usize {
        self.rejects.len()
    }

    /// Every line is in the table or in the rejects, once and in order, and what was said of them is right.
    pub(crate) fn is_imported(&self, dir: &Path, said: &Output) {
        assert!(said.status.success(), "{}", text(&said.stderr));
        assert_eq!(table(dir, "orders.jsonl"), self.rows);
        let place = |reject: &Value| ["line", "at", "bytes"].map(|field| reject[field].as_u64().unwrap()).into();
        let rejects: Vec<(u64, u64, u64)> = table(dir, "rejects.jsonl").iter().map(place).collect();
        assert_eq!(rejects, self.rejects);
        let said = text(&said.stdout);
        for (month, (orders, cents)) in &self.months {
            let (start, end) =
                (format!("\n{month}: {orders} orders, "), format!("${}.{:02}\n", cents / 100, cents % 100));
            assert!(said.split_once(&start).is_some_and(|(_, rest)| rest.contains(&end)), "{month}: {said}");
        }
        let cents: u64 = self.months.values().map(|month| month.1).sum();
        let (orders, rejected) = (self.rows.len(), self.rejects.len());
        let all =
            format!("\n{orders} orders imported, {rejected} lines rejected, ${}.{:02}, ", cents / 100, cents % 100);
        assert!(said.contains(&all), "{said}");
    }
}
