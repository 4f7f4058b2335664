//! The order file: JSON Lines, one order a line.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Real orders; the README names the source.
const KEPT: &str = include_str!("../orders.jsonl");

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
    /// How many pieces.
    pub quantity: u32,
    /// The price in US cents.
    pub amount_cents: u64,
}

/// Why there are no orders.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// The file cannot be read.
    #[error("cannot read the order file `{file}`: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is no order.
    #[error("line {line} is no order: {source}")]
    Line {
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// The orders of a file, or the kept ones if there is none.
///
/// # Errors
/// When the file cannot be read, or a line is no order: nothing is done for any of them then.
pub fn load(file: Option<&Path>) -> Result<Vec<Order>, OrdersError> {
    let Some(path) = file else { return parse(KEPT) };
    let text = std::fs::read_to_string(path)
        .map_err(|source| OrdersError::Read { file: path.display().to_string(), source })?;
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<Order>, OrdersError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let order = |(at, line)| serde_json::from_str(line).map_err(|source| OrdersError::Line { line: at + 1, source });
    lines.map(order).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_orders_are_orders_and_a_line_that_is_none_is_named() {
        assert_eq!(load(None).unwrap().len(), 6);
        let error = parse("\n{\"order\":\"cd-1\"}").unwrap_err().to_string();
        assert!(error.starts_with("line 2 is no order: missing field `customer`"), "{error}");
    }
}
