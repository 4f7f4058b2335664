//! What a line of the file must be to become a row of the table.

use std::str;

use serde::{Deserialize, Serialize};

/// One order, as a line of the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The order's id.
    pub order: String,
    /// Who ordered.
    pub customer: String,
    /// The day of the order, `YYYY-MM-DD`.
    pub date: String,
    /// How many pieces; at least one.
    pub quantity: u32,
    /// The price in US cents; 0 for a free order.
    pub amount_cents: u64,
}

/// A row of the table: the order, and the line of the file that it stands on, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The line.
    pub line: u64,
    /// The order.
    #[serde(flatten)]
    pub order: Order,
}

/// A line of the file that is no order, kept for a person to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The line's number, from 1.
    pub line: u64,
    /// Where in the file it begins, in bytes.
    pub at: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// What is wrong with it.
    pub problem: String,
    /// The line, up to its 65,536th byte, as far as it is text.
    pub text: String,
}

/// The order on a line, or what is wrong with it.
pub(crate) fn order(line: &[u8]) -> Result<Order, String> {
    let text = str::from_utf8(line).map_err(|error| format!("no text behind byte {}", error.valid_up_to()))?;
    let order: Order = serde_json::from_str(text).map_err(|error| no_order(&error))?;
    if order.quantity == 0 {
        return Err("an order has at least one piece".to_owned());
    }
    if !is_date(&order.date) {
        return Err(format!("`{}` is no date as `1997-01-31`", order.date));
    }
    Ok(order)
}

/// serde_json counts lines from the start of what it was given, which is one
/// line here: only the column says anything.
fn no_order(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    format!("no order: {what}, at column {}", error.column())
}

fn is_date(text: &str) -> bool {
    let two = |text: &str, most| text.len() == 2 && text.parse().is_ok_and(|number: u8| (1..=most).contains(&number));
    let mut parts = text.splitn(3, '-');
    let mut part = || parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or_default();
    part().len() == 4 && two(part(), 12) && two(part(), 31)
}
