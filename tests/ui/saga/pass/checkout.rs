//! The saga that the documentation shows, with everything a step can say.
#![deny(warnings)]

use factum::prelude::*;
use factum::{Never, signal};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    id: String,
    lines: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Payment {
    id: String,
}

#[derive(Debug, Serialize, Deserialize)]
enum PayError {
    Declined,
    TimedOut,
}

impl PayError {
    fn is_transient(&self) -> bool {
        matches!(self, PayError::TimedOut)
    }
}

impl From<TimedOut> for PayError {
    fn from(_: TimedOut) -> Self {
        PayError::TimedOut
    }
}

struct Shop {
    provider: String,
}

/// Takes the money.
#[step(
    retry(attempts = 5, initial = "100ms", factor = 2.0, max = "10s", jitter = 0.2, when = PayError::is_transient),
    timeout = "1m 30s",
    compensate = refund(&output, &order.id, format!("{note}")),
    unknown = void(&order.id),
    unknown_when = PayError::is_transient,
    idempotent,
    name = "charge-card"
)]
async fn charge(io: &mut Io<Shop>, order: Order, note: &str, unused: &[u8]) -> Result<Payment, PayError> {
    let _ = (io.key(), io.attempt(), &io.app().provider, unused);
    if order.lines.is_empty() {
        return Err(PayError::Declined);
    }
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    Ok(Payment { id: format!("{}{note}", order.id) })
}

#[step]
async fn refund(payment: &Payment, order: &str, note: String) -> Result<(), PayError> {
    let _ = (payment, order, note);
    Ok(())
}

#[step(pure)]
async fn void(_io: &mut Io, order: &str) {
    let _ = order;
}

#[step(compensate = void("all"))]
async fn reserve(mut order: Order) -> u32 {
    order.id.clear();
    1
}

#[step(pivot, retry(attempts = 3))]
async fn ship(order: &Order, label: Option<&str>) -> Result<String, Never> {
    Ok(format!("{}{label:?}", order.id))
}

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Approval {
    by: String,
}

#[derive(Debug, Serialize, Deserialize)]
enum CheckoutError {
    Pay(PayError),
    NotApproved,
}

impl From<PayError> for CheckoutError {
    fn from(error: PayError) -> Self {
        CheckoutError::Pay(error)
    }
}

impl From<Never> for CheckoutError {
    fn from(never: Never) -> Self {
        match never {}
    }
}

/// Sells something.
#[saga(app = Shop, version = 2, name = "checkout")]
async fn checkout(order: Order, note: &str) -> Result<String, CheckoutError> {
    let held = reserve(order.clone()).await;
    let payment = charge(order.clone(), note, &[1, 2]).await?;
    let Approval { by } = factum::signal::<Approval>().await;
    if by.is_empty() {
        return Err(CheckoutError::NotApproved);
    }
    for _ in 0..held {
        sleep(days(2)).await;
    }
    let receipt = inner(payment).await;
    println!("{receipt}");
    Ok(ship(&order, Some(&receipt)).await?)
}

#[saga]
async fn inner(payment: Payment) -> String {
    payment.id
}

fn main() {
    let order = Order { id: String::new(), lines: Vec::new() };
    drop(checkout(order, ""));
}
