//! What goes over the wire and into the ledger.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The header that carries the idempotency key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What the provider can be asked for, each at `POST /<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Sets the pieces of an order aside.
    Reserve,
    /// Puts them back, and bars a reservation of this order that comes later.
    Release,
    /// Takes the money.
    Charge,
    /// Gives the money of one charge back.
    Refund,
    /// Takes back whatever was charged for the order, and bars a charge that comes later.
    Void,
    /// Hands the order to the courier.
    Ship,
    /// Calls the courier back, and bars a shipment that comes later.
    CancelShipment,
}

impl Operation {
    /// The name in paths and in the ledger.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Operation::Reserve => "reserve",
            Operation::Release => "release",
            Operation::Charge => "charge",
            Operation::Refund => "refund",
            Operation::Void => "void",
            Operation::Ship => "ship",
            Operation::CancelShipment => "cancel-shipment",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The body of every request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The order that it is about.
    pub order: String,
    /// How many pieces, where it matters.
    #[serde(default)]
    pub quantity: u32,
    /// How much money, where it matters, in US cents.
    #[serde(default)]
    pub amount_cents: u64,
}

impl Request {
    /// A request about `order`, with no pieces and no money.
    #[must_use]
    pub fn about(order: &str) -> Request {
        Request { order: order.to_owned(), ..Request::default() }
    }

    /// With so many pieces.
    #[must_use]
    pub fn quantity(self, quantity: u32) -> Request {
        Request { quantity, ..self }
    }

    /// With so much money, in US cents.
    #[must_use]
    pub fn amount(self, amount_cents: u64) -> Request {
        Request { amount_cents, ..self }
    }
}

/// The body of an answer that says yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The provider's name for what it did.
    pub reference: String,
    /// How much money it moved, in US cents.
    pub amount_cents: u64,
}

/// The body of an answer that says no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why not.
    pub reason: String,
}

/// How a request was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub enum Verdict {
    /// It was done: status 200.
    Done(Done),
    /// It will not be done: status 402.
    Declined(Refusal),
    /// Nothing was done, ask again: status 503. Not kept under the key.
    Busy,
    /// Asked before under this key and answered for good: the same answer again,
    /// and nothing done. Only in the ledger.
    Again,
}

/// One line of the ledger: a request, and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The order.
    pub order: String,
    /// What was asked for.
    pub operation: Operation,
    /// The answer.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The idempotency key of the request.
    pub key: String,
}
