//! When the server misbehaves: a pure function of what is asked, and how often it was.

use super::Operation;

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it should be.
    Prompt,
    /// Nothing is done: 503.
    Busy,
    /// Nothing is done: 429.
    TooMany,
    /// It is done, and the connection closed before anybody is told.
    HangsUp,
    /// It is never done: 422.
    Refuses,
}

/// How the server answers when this was `asked` so often before. `about` is an order's or a customer's id, of which the
/// digits at its end count.
#[must_use]
pub fn manner(operation: Operation, about: &str, asked: usize) -> Manner {
    let digits = about.trim_start_matches(|sign: char| !sign.is_ascii_digit());
    let number: u64 = digits.parse().unwrap_or_default();
    let first = asked == 0;
    match operation {
        Operation::Send if number % 10 == 3 => Manner::Refuses,
        Operation::Chat if first && number % 3 == 1 => Manner::Busy,
        Operation::PastOrders if first && number % 2 == 1 => Manner::TooMany,
        Operation::Give if first && number.is_multiple_of(2) => Manner::HangsUp,
        Operation::Send if first && number.is_multiple_of(4) => Manner::Busy,
        Operation::Withdraw if first => Manner::Busy,
        _ => Manner::Prompt,
    }
}
