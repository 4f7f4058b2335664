//! A crate that calls factum `durable`: each attribute says so with `crate = ::durable`.

use durable::prelude::*;
use serde::{Deserialize, Serialize};

/// What is bought.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// Who buys.
    pub customer: String,
    /// What it costs.
    pub cents: u32,
}

/// Why it was not.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum PayError {
    /// There is no money.
    Declined,
    /// Nobody answered.
    Late,
}

impl From<TimedOut> for PayError {
    fn from(_: TimedOut) -> Self {
        PayError::Late
    }
}

/// Somebody looked at it.
#[signal(crate = ::durable)]
#[derive(Debug, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: String,
}

/// Takes the money.
#[step(
    retry(attempts = 2, initial = "1ms"),
    timeout = "10s",
    compensate = refund(&output),
    unknown = ignore,
    crate = ::durable
)]
pub async fn charge(io: &mut Io, order: &Order) -> Result<u32, PayError> {
    let _ = io.key();
    if order.cents > 1_000 { Err(PayError::Declined) } else { Ok(order.cents) }
}

/// Gives it back.
#[step(idempotent, crate = ::durable)]
pub async fn refund(cents: &u32) {
    let _ = cents;
}

/// Sells.
#[saga(concurrency = 4, key = order.customer, crate = ::durable)]
pub async fn checkout(order: Order) -> Result<String, PayError> {
    let paid = charge(&order).await?;
    let approval = signal::<Approval>().await;
    Ok(format!("{paid} by {}", approval.by))
}

/// A parcel on its way.
#[fsm(error = PayError, crate = ::durable)]
#[reject]
#[derive(Debug, Serialize, Deserialize)]
pub enum Parcel {
    /// It waits to be looked at.
    #[initial]
    #[next(Gone)]
    #[accepts(Approval)]
    #[timeout("3 days" => Lost)]
    Packed {
        /// What is in it.
        order: Order,
    },
    /// It is there.
    #[terminal]
    Gone(String),
    /// It is nowhere.
    #[terminal]
    Lost,
}

#[state(crate = ::durable)]
async fn packed(state: parcel::Packed) -> Result<Next<parcel::Packed>, PayError> {
    let sold = checkout(state.order).await?;
    Ok(go(parcel::Gone(sold)))
}

/// Sends.
#[saga(crate = ::durable)]
pub async fn send(order: Order) {
    spawn(parcel::Packed { order }).await;
}
