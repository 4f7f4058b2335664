//! What an order is about: what was ordered, and what has been paid for it.

use serde::{Deserialize, Serialize};

use crate::machine::Pay;

/// What was ordered: the body of `POST /orders`, and a line of an order file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basket {
    /// The order's id, and that of its run.
    pub order: String,
    /// Who ordered.
    pub customer: String,
    /// When, as the shop writes it.
    pub date: String,
    /// How many pieces.
    pub quantity: u32,
    /// What they cost, in US cents; some cost nothing.
    pub amount_cents: u64,
}

/// Money that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The shop's name for it.
    pub reference: String,
    /// How much, in US cents.
    pub cents: u64,
}

/// What every state of an order knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// What was ordered.
    pub basket: Basket,
    /// What was paid, part by part.
    pub payments: Vec<Payment>,
    /// Why the last payment was declined, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<String>,
}

impl Purchase {
    /// Nothing is paid yet.
    #[must_use]
    pub fn new(basket: Basket) -> Purchase {
        Purchase { basket, payments: Vec::new(), declined: None }
    }

    /// What is still to be paid, in US cents.
    #[must_use]
    pub fn due_cents(&self) -> u64 {
        let paid: u64 = self.payments.iter().map(|payment| payment.cents).sum();
        self.basket.amount_cents.saturating_sub(paid)
    }

    /// The payment that is asked for, of no more than what is due.
    #[must_use]
    pub fn next_payment(&self, pay: &Pay) -> Payment {
        let reference = format!("{}/{}", self.basket.order, self.payments.len() + 1);
        let due = self.due_cents();
        Payment { reference, cents: pay.amount_cents.map_or(due, |cents| cents.min(due)) }
    }
}
