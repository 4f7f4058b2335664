//! What goes over the wire: the model, its tools, vouchers and letters.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::orders::Order;

/// The name under which the API is asked, and under which the requests are recorded. Where it is served is the
/// transport's business ([`Desk`](crate::desk::Desk)): a run goes on, and is replayed, wherever that is.
pub const HOST: &str = "api.agent.example";

/// The URL of something in the API.
#[must_use]
pub fn url(path: &str) -> String {
    format!("http://{HOST}/{path}")
}

/// `POST /chat`: what the model has been told so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chat {
    /// All messages, the first one first.
    pub messages: Vec<Message>,
}

/// Something that the model is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The order that is to be answered.
    Order(Order),
    /// What a tool gave that the model wanted to be used.
    Used {
        /// Which.
        tool: Tool,
        /// What it gave.
        gave: Value,
    },
}

/// What the model says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// That it has to know something first.
    Use(Tool),
    /// What is to be done about the order.
    Answer(Advice),
}

/// What the model can have looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// `GET /customers/{customer}/orders`: the orders of a customer.
    PastOrders {
        /// Whose.
        customer: String,
    },
    /// `GET /budgets/{order}`: the most that a voucher may be worth, in US cents.
    Budget {
        /// For which order.
        order: String,
    },
}

/// What the model wants to be done. Asked once more, it says something else, as models do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The letter.
    pub text: String,
    /// What the voucher is worth, in US cents; 0 for none.
    pub voucher_cents: u64,
}

/// `POST /vouchers`: a voucher is to be given for an order. The answer is the same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// Its code, which the agent has made.
    pub code: String,
    /// For which order.
    pub order: String,
    /// What it is worth, in US cents.
    pub cents: u64,
}

/// `POST /letters`: a letter is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// About which order.
    pub order: String,
    /// When it was written, in seconds since 1970.
    pub written: u64,
    /// What it says.
    pub text: String,
    /// The code of the voucher that goes with it.
    pub voucher: Option<String>,
}

/// A letter that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The post's number for it.
    pub number: u64,
    /// The letter.
    #[serde(flatten)]
    pub letter: Letter,
}

/// `DELETE /vouchers/{order}`: how many vouchers were withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// How many.
    pub vouchers: u64,
}

/// The body of an answer that says no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why not.
    pub reason: String,
}
