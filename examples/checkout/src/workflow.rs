//! The workflow: what to do for one order, and how each part of it is undone.
//!
//! This is the file to copy. A `#[step]` is where the world is touched; its
//! attribute says how often to try, how long to wait, and what undoes it. The
//! `#[saga]` is ordinary code over steps; when it returns an error, the steps
//! that it has finished are undone, last one first.

use factum::prelude::*;
use serde::{Deserialize, Serialize};

use crate::client::{Client, ShopError};
use crate::orders::Order;
use crate::provider::{Operation, Request};

/// What every step can reach: `io.app()`.
#[derive(Debug)]
pub struct Shop {
    /// The way to the payment provider and the warehouse.
    pub provider: Client,
}

/// Money that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The provider's name for it.
    pub reference: String,
    /// How much, in US cents.
    pub amount_cents: u64,
}

/// A finished order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What was paid; nothing for a free order.
    pub payment: Option<Payment>,
    /// The courier's name for the shipment.
    pub tracking: String,
}

/// Where an order failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum CheckoutError {
    /// The warehouse has not set the pieces aside.
    #[error("stock: {0}")]
    Stock(ShopError),
    /// The payment did not go through.
    #[error("payment: {0}")]
    Payment(ShopError),
    /// Nobody takes the parcel.
    #[error("shipping: {0}")]
    Shipping(ShopError),
}

/// One order, from the shelf to the courier.
#[saga(app = Shop)]
pub async fn checkout(order: Order) -> Result<Receipt, CheckoutError> {
    reserve(&order).await.map_err(CheckoutError::Stock)?;
    let payment = match order.amount_cents {
        0 => None,
        _ => Some(charge(&order).await.map_err(CheckoutError::Payment)?),
    };
    let tracking = ship(&order).await.map_err(CheckoutError::Shipping)?;
    Ok(Receipt { payment, tracking })
}

// A compensation that does not name `output` serves for an unknown end, too.
#[step(
    retry(attempts = 5, initial = "50ms", max = "1s", jitter = 0.2, when = ShopError::is_transient),
    timeout = "300ms",
    compensate = release(&order.id),
    unknown_when = ShopError::is_unknown,
)]
async fn reserve(io: &mut Io<Shop>, order: &Order) -> Result<String, ShopError> {
    let request = Request::about(&order.id).quantity(order.quantity);
    Ok(io.app().provider.ask(io, Operation::Reserve, &request).await?.reference)
}

// `refund` gives back a charge that is known; when nobody knows whether there
// was one, `void_charge` takes back whatever there is and bars what may come.
#[step(
    retry(attempts = 5, initial = "50ms", max = "1s", jitter = 0.2, when = ShopError::is_transient),
    timeout = "300ms",
    compensate = refund(&output, &order.id),
    unknown = void_charge(&order.id),
    unknown_when = ShopError::is_unknown,
)]
async fn charge(io: &mut Io<Shop>, order: &Order) -> Result<Payment, ShopError> {
    let request = Request::about(&order.id).amount(order.amount_cents);
    let done = io.app().provider.ask(io, Operation::Charge, &request).await?;
    Ok(Payment { reference: done.reference, amount_cents: done.amount_cents })
}

// The last step: its undo runs only when nobody knows whether the parcel left.
#[step(
    retry(attempts = 5, initial = "50ms", max = "1s", jitter = 0.2, when = ShopError::is_transient),
    timeout = "300ms",
    compensate = cancel_shipment(&order.id),
    unknown_when = ShopError::is_unknown,
)]
async fn ship(io: &mut Io<Shop>, order: &Order) -> Result<String, ShopError> {
    let request = Request::about(&order.id).quantity(order.quantity);
    Ok(io.app().provider.ask(io, Operation::Ship, &request).await?.reference)
}

// Undoing has to get through: it is tried for minutes before an operator is asked.

#[step(retry(attempts = 100, initial = "50ms", max = "2s", jitter = 0.2, when = ShopError::is_transient), timeout = "300ms")]
async fn release(io: &mut Io<Shop>, order: &str) -> Result<(), ShopError> {
    let request = Request::about(order);
    io.app().provider.ask(io, Operation::Release, &request).await.map(drop)
}

#[step(retry(attempts = 100, initial = "50ms", max = "2s", jitter = 0.2, when = ShopError::is_transient), timeout = "300ms")]
async fn refund(io: &mut Io<Shop>, payment: &Payment, order: &str) -> Result<(), ShopError> {
    let request = Request::about(order).amount(payment.amount_cents);
    io.app().provider.ask(io, Operation::Refund, &request).await.map(drop)
}

#[step(retry(attempts = 100, initial = "50ms", max = "2s", jitter = 0.2, when = ShopError::is_transient), timeout = "300ms")]
async fn void_charge(io: &mut Io<Shop>, order: &str) -> Result<(), ShopError> {
    let request = Request::about(order);
    io.app().provider.ask(io, Operation::Void, &request).await.map(drop)
}

#[step(retry(attempts = 100, initial = "50ms", max = "2s", jitter = 0.2, when = ShopError::is_transient), timeout = "300ms")]
async fn cancel_shipment(io: &mut Io<Shop>, order: &str) -> Result<(), ShopError> {
    let request = Request::about(order);
    io.app().provider.ask(io, Operation::CancelShipment, &request).await.map(drop)
}
