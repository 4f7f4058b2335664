//! The workflow: how an order is answered, and how that is undone.
//!
//! This is the file to copy. Each call of the API is a fact: bound once for its step, whatever ends the attempt. A
//! model that would say something else when it is asked once more is not asked once more, and what was decided upon its
//! words stays.

use std::time::UNIX_EPOCH;

use factum::http::{Http, HttpError, HttpRequest};
use factum::prelude::*;
use factum::{CallError, CallFailure, EncodeError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{Advice, Chat, Letter, Message, Refusal, Reply, Sent, Tool, Voucher, Withdrawn, url};
use crate::desk::Desk;
use crate::orders::Order;

/// How often the model may want something looked up.
const MOST_TURNS: usize = 8;

/// Why an order was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum AgentError {
    /// A call without an answer: worth another attempt, which makes only the calls that have none.
    #[error("{0}")]
    Call(CallFailure),
    /// All of it took too long.
    #[error("no end in time")]
    TimedOut,
    /// The API says no. That is an answer, and the same in every attempt.
    #[error("refused with status {status}: {reason}")]
    Refused {
        /// The status.
        status: u16,
        /// Why.
        reason: String,
    },
    /// The answer is none that the agent understands, or a request cannot be made.
    #[error("not understood: {0}")]
    NotUnderstood(String),
    /// The model wants to know more and more.
    #[error("the model does not come to an end")]
    NoEnd,
}

impl AgentError {
    /// Worth another attempt.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, AgentError::Call(_) | AgentError::TimedOut)
    }
}

impl From<CallError<Http>> for AgentError {
    fn from(error: CallError<Http>) -> AgentError {
        AgentError::Call(error.into())
    }
}

impl From<HttpError> for AgentError {
    fn from(error: HttpError) -> AgentError {
        AgentError::NotUnderstood(error.to_string())
    }
}

impl From<EncodeError> for AgentError {
    fn from(error: EncodeError) -> AgentError {
        AgentError::NotUnderstood(error.to_string())
    }
}

impl From<TimedOut> for AgentError {
    fn from(_: TimedOut) -> AgentError {
        AgentError::TimedOut
    }
}

/// Answers an order: thinks, gives a voucher perhaps, and writes. If no letter can be sent there is no voucher, either.
#[saga(app = Desk)]
pub async fn answer(order: Order) -> Result<Sent, AgentError> {
    let advice = think(&order).await?;
    let voucher = match advice.voucher_cents {
        0 => None,
        cents => Some(give(&order.id, cents).await?),
    };
    send(&order.id, &advice.text, voucher.as_ref()).await
}

// Three calls of the model with two of its tools between them. An attempt that ends in the middle, killed or refused
// for the moment, is followed by one that is given what is known, and goes on with the first call that has no answer.
#[step(
    retry(attempts = 10, initial = "20ms", max = "1s", jitter = 0.2, when = AgentError::is_transient),
    timeout = "60s",
)]
async fn think(io: &mut Io<Desk>, order: &Order) -> Result<Advice, AgentError> {
    let mut messages = vec![Message::Order(order.clone())];
    for _ in 0..MOST_TURNS {
        let chat = Chat { messages };
        match ask(io, HttpRequest::post(url("chat")).json(&chat)?).await? {
            Reply::Answer(advice) => return Ok(advice),
            Reply::Use(tool) => {
                let gave: Value = ask(io, request_of(&tool)).await?;
                messages = chat.messages;
                messages.push(Message::Used { tool, gave });
            }
        }
    }
    Err(AgentError::NoEnd)
}

fn request_of(tool: &Tool) -> HttpRequest {
    match tool {
        Tool::PastOrders { customer } => HttpRequest::get(url(&format!("customers/{customer}/orders"))),
        Tool::Budget { order } => HttpRequest::get(url(&format!("budgets/{order}"))),
    }
}

// The code is a fact, too: every attempt asks for the same voucher. An undo that does not name `output` serves for an
// attempt of which nobody knows what it did, as well: a call that was perhaps heard leaves one.
#[step(
    retry(attempts = 10, initial = "20ms", max = "1s", jitter = 0.2, when = AgentError::is_transient),
    timeout = "60s",
    compensate = withdraw(order),
)]
async fn give(io: &mut Io<Desk>, order: &str, cents: u64) -> Result<Voucher, AgentError> {
    let code = io.uuid().await.to_string();
    let voucher = Voucher { code, order: order.to_owned(), cents };
    ask(io, HttpRequest::post(url("vouchers")).json(&voucher)?).await
}

#[step(
    retry(attempts = 100, initial = "20ms", max = "2s", jitter = 0.2, when = AgentError::is_transient),
    timeout = "60s",
)]
async fn withdraw(io: &mut Io<Desk>, order: &str) -> Result<Withdrawn, AgentError> {
    ask(io, HttpRequest::delete(url(&format!("vouchers/{order}")))).await
}

// A letter that was sent stays sent: nothing comes after it.
#[step(
    retry(attempts = 10, initial = "20ms", max = "1s", jitter = 0.2, when = AgentError::is_transient),
    timeout = "60s",
)]
async fn send(io: &mut Io<Desk>, order: &str, text: &str, voucher: Option<&Voucher>) -> Result<Sent, AgentError> {
    let written = io.now().await.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let voucher = voucher.map(|voucher| voucher.code.clone());
    let letter = Letter { order: order.to_owned(), written, text: text.to_owned(), voucher };
    ask(io, HttpRequest::post(url("letters")).json(&letter)?).await
}

/// Asks the API, unless the answer is known. What it says no to is an answer as well.
async fn ask<T: DeserializeOwned>(io: &Io<Desk>, request: HttpRequest) -> Result<T, AgentError> {
    let answer = io.call(&io.app().http, request).await?;
    if answer.is_success() {
        return Ok(answer.json()?);
    }
    let Refusal { reason } = answer.json()?;
    Err(AgentError::Refused { status: answer.status(), reason })
}
