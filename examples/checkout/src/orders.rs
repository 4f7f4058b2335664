//! The order file: JSON Lines, one order a line.
//!
//! Owns what counts as an order and what is wrong with a line that is none.
//! A line that cannot be used is kept as a [`BadLine`] with its number, and
//! never stops the lines after it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The first 500 orders of the CDNOW sample; the README names the source.
const KEPT: &[u8] = include_bytes!("../orders.jsonl");

/// The longest order id that is taken, in bytes.
const MAX_ID: usize = 128;

/// One order, as a line of the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The order's id, which names its run too.
    #[serde(rename = "order")]
    pub id: String,
    /// Who ordered.
    pub customer: String,
    /// The day of the order, `YYYY-MM-DD`.
    pub date: String,
    /// How many pieces; at least one.
    pub quantity: u32,
    /// The price in US cents; 0 for a free order.
    pub amount_cents: u64,
}

/// An order and the line that it stands on, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// The line's number, from 1.
    pub line: usize,
    /// The order.
    pub order: Order,
}

/// A line that is no order that can be processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// What a file has: the orders, and the lines that are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFile {
    /// The orders in the file's order, each id once.
    pub orders: Vec<OrderLine>,
    /// The lines that cannot be processed.
    pub bad: Vec<BadLine>,
}

/// Why an order file could not be read at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the order file `{}`", path.display())]
pub struct OrdersError {
    path: PathBuf,
    source: std::io::Error,
}

impl OrderFile {
    /// Reads `path`, or the kept 500 orders when there is none.
    ///
    /// # Errors
    /// When the file is not there or cannot be read.
    pub fn load(path: Option<&Path>) -> Result<OrderFile, OrdersError> {
        let Some(path) = path else { return Ok(OrderFile::parse(KEPT)) };
        match std::fs::read(path) {
            Ok(bytes) => Ok(OrderFile::parse(&bytes)),
            Err(source) => Err(OrdersError { path: path.to_owned(), source }),
        }
    }

    /// Takes a file's lines apart. Blank lines are passed over, and so is a
    /// line that repeats an order word for word.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> OrderFile {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut file = OrderFile::default();
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (index, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = index + 1;
            if text.trim_ascii().is_empty() {
                continue;
            }
            match parse_line(text) {
                Err(problem) => file.bad.push(BadLine { line, problem }),
                Ok(order) => match seen.get(&order.id).map(|at| &file.orders[*at]) {
                    None => {
                        seen.insert(order.id.clone(), file.orders.len());
                        file.orders.push(OrderLine { line, order });
                    }
                    Some(first) if first.order == order => {}
                    Some(first) => file.bad.push(BadLine {
                        line,
                        problem: format!("order `{}` is another order on line {}", order.id, first.line),
                    }),
                },
            }
        }
        file
    }
}

fn parse_line(text: &[u8]) -> Result<Order, String> {
    // serde would take an array of the fields' values, too.
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err("not a JSON object".to_owned());
    }
    let order: Order = serde_json::from_slice(text).map_err(|error| error_within_line(&error))?;
    if order.id.is_empty() || order.id.len() > MAX_ID || order.id.chars().any(char::is_control) {
        return Err(format!("an order id has 1 to {MAX_ID} bytes and no control characters"));
    }
    if order.quantity == 0 {
        return Err(format!("order `{}` has a quantity of 0", order.id));
    }
    if !is_day(&order.date) {
        return Err(format!("order `{}` has the date `{}`, which is no `YYYY-MM-DD`", order.id, order.date));
    }
    Ok(order)
}

/// serde_json counts lines from the start of what it was given, which is one
/// line here: only the column says anything.
fn error_within_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    format!("{what}, at column {}", error.column())
}

fn is_day(date: &str) -> bool {
    let shape = date.len() == 10
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    shape && matches!(date[5..7].parse(), Ok(1..=12)) && matches!(date[8..].parse(), Ok(1..=31))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, cents: i64) -> String {
        format!(r#"{{"order":"{id}","customer":"c1","date":"1997-01-01","quantity":2,"amount_cents":{cents}}}"#)
    }

    fn problems(text: &str) -> Vec<(usize, String)> {
        OrderFile::parse(text.as_bytes()).bad.into_iter().map(|bad| (bad.line, bad.problem)).collect()
    }

    #[test]
    fn the_kept_file_is_500_orders_and_no_bad_line() {
        let file = OrderFile::load(None).unwrap();
        assert_eq!((file.orders.len(), file.bad.len()), (500, 0));
        assert_eq!(file.orders[499].order.id, "cd-00500");
        assert_eq!(file.orders.iter().filter(|line| line.order.amount_cents == 0).count(), 2);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_the_rest_is_kept() {
        let text = format!("{}\n\nnonsense\n{}\r\n{}", line("a", 1), line("b", -1), line("c", 0));
        let file = OrderFile::parse(text.as_bytes());
        let kept: Vec<_> = file.orders.iter().map(|line| (line.line, line.order.id.as_str())).collect();
        assert_eq!(kept, [(1, "a"), (5, "c")]);
        assert_eq!(file.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(file.bad[0].problem, "not a JSON object");
    }

    #[test]
    fn a_line_that_is_no_object_or_ends_early_is_bad() {
        let problem = |text: &str| problems(text)[0].1.clone();
        assert_eq!(problem(r#"["a","c","1997-01-01",1,5]"#), "not a JSON object");
        assert_eq!(problem("{nonsense}"), "key must be a string, at column 2");
    }

    #[test]
    fn bytes_that_are_no_utf8_make_one_bad_line() {
        let mut bytes = b"{\"order\":\"\xff\"}\n".to_vec();
        bytes.extend(line("a", 1).into_bytes());
        let file = OrderFile::parse(&bytes);
        assert_eq!((file.orders.len(), file.bad.len()), (1, 1));
    }

    #[test]
    fn a_repeated_order_counts_once_and_another_order_of_its_id_is_bad() {
        let text = [line("a", 1), line("a", 1), line("a", 2)].join("\n");
        assert_eq!(OrderFile::parse(text.as_bytes()).orders.len(), 1);
        assert_eq!(problems(&text), [(3, "order `a` is another order on line 1".to_owned())]);
    }

    #[test]
    fn values_that_make_no_sense_are_bad() {
        let good = line("a", 1);
        for (from, to) in [("1997-01-01", "1997-13-01"), ("1997-01-01", "tomorrow"), (":2", ":0"), (r#""a""#, r#""""#)]
        {
            assert_eq!(problems(&good.replace(from, to)).len(), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn a_missing_file_is_an_error_that_names_it() {
        let error = OrderFile::load(Some(Path::new("no/such/file"))).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the order file `no/such/file`");
    }
}
