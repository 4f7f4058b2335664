//! The machine: the states of an order, and what leads from one to the next.
//!
//! This is the file to copy. The attributes say what may happen; the handlers say when. What must always hold: a step
//! that acts on the world and cannot be undone stands in a state that has no timeout, so that nothing can be lost in
//! the middle of it; and money goes back in one place, [`Order::Refunding`].

use factum::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ledger::Trouble;
use crate::purchase::Purchase;
use crate::steps::{Shop, book_return, charge, refund, ship};

/// The customer pays, all or a part.
#[signal]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    /// How much, in US cents; all that is due if it is not said, and never more than that.
    #[serde(default)]
    pub amount_cents: Option<u64>,
    /// With which card.
    pub card: String,
}

/// The customer does not want the order any more.
#[signal]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancel {}

/// The warehouse has packed the parcel.
#[signal]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {}

/// The carrier has delivered the parcel. Carriers say so more than once.
#[signal]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryReport {}

/// The customer wants to send the parcel back.
#[signal]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnRequest {
    /// Why.
    pub reason: String,
}

/// What was sent back has come.
#[signal]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnReceived {}

/// Why an order came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The customer cancelled it.
    Cancelled,
    /// It was not paid in time.
    NotPaid,
    /// It was not packed in time.
    NotPacked,
    /// The carrier did not take the parcel.
    NotTaken(String),
    /// The parcel never came.
    Lost,
    /// The customer sent it back, with a reason.
    Returned(String),
}

/// An order, from its placing to its end.
///
/// A signal that a state neither accepts nor speaks of is rejected: the client is told what would be accepted.
#[fsm(app = Shop, error = Trouble)]
// The time to pay belongs to a group: a part payment comes back to the same state, and must not begin that time anew.
#[group(
    Unpaid,
    parent(Open),
    accepts(Pay),
    timeout("3 days" => Refunding { purchase: state.into_purchase(), why: Why::NotPaid })
)]
#[group(Open, next(Refunding), accepts(Cancel))]
#[group(Sent, ignore(DeliveryReport))]
#[reject]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state")]
#[allow(missing_docs, reason = "what the fields are is said where their types are")]
pub enum Order {
    /// Waits for its money.
    #[initial]
    #[parent(Unpaid)]
    #[next(Placed, Paid)]
    Placed { purchase: Purchase },

    /// All is paid: from here on money goes back only as a refund, not because something later failed.
    #[commit]
    #[parent(Open)]
    #[next(Dispatching)]
    #[accepts(Packed)]
    #[timeout("5 days" => Refunding { purchase: state.purchase, why: Why::NotPacked })]
    Paid { purchase: Purchase },

    /// Is being handed to the carrier: too late to cancel.
    #[next(Shipped, Refunding)]
    Dispatching { purchase: Purchase },

    /// On its way. Who wants to send it back already is heard when it has come.
    #[next(Delivered)]
    #[accepts(DeliveryReport)]
    #[defer(ReturnRequest)]
    #[timeout("14 days" => Refunding { purchase: state.purchase, why: Why::Lost })]
    Shipped { purchase: Purchase, tracking: String },

    /// With the customer, who may send it back for a while.
    #[parent(Sent)]
    #[next(ReturnRequested)]
    #[accepts(ReturnRequest)]
    #[timeout("30 days" => Completed { purchase: state.purchase, tracking: state.tracking })]
    Delivered { purchase: Purchase, tracking: String },

    /// Gets the label for its way back.
    #[parent(Sent)]
    #[next(Returning)]
    ReturnRequested { purchase: Purchase, tracking: String, reason: String },

    /// On its way back, or not: who does not send it has bought it.
    #[parent(Sent)]
    #[next(Refunding)]
    #[accepts(ReturnReceived)]
    #[timeout("14 days" => Completed { purchase: state.purchase, tracking: state.tracking })]
    Returning { purchase: Purchase, tracking: String, reason: String, label: String },

    /// The money is given back, whatever came in between. Final, so that no part is given back twice: here, and as the
    /// undo of a payment.
    #[commit]
    #[parent(Sent)]
    #[next(Cancelled, Refunded)]
    Refunding { purchase: Purchase, why: Why },

    /// The customer keeps it.
    #[terminal]
    Completed { purchase: Purchase, tracking: String },

    /// It came to nothing before any money was taken.
    #[terminal]
    Cancelled { purchase: Purchase, why: Why },

    /// It came to nothing, and the money is back.
    #[terminal]
    Refunded { purchase: Purchase, why: Why, refunded_cents: u64 },
}

impl Order {
    /// What was ordered and paid, whatever the state.
    #[must_use]
    pub fn into_purchase(self) -> Purchase {
        match self {
            Order::Placed { purchase }
            | Order::Paid { purchase }
            | Order::Dispatching { purchase }
            | Order::Shipped { purchase, .. }
            | Order::Delivered { purchase, .. }
            | Order::ReturnRequested { purchase, .. }
            | Order::Returning { purchase, .. }
            | Order::Refunding { purchase, .. }
            | Order::Completed { purchase, .. }
            | Order::Cancelled { purchase, .. }
            | Order::Refunded { purchase, .. } => purchase,
        }
    }
}

#[state]
async fn placed(order::Placed { mut purchase }: order::Placed) -> Result<Next<order::Placed>, Trouble> {
    if purchase.due_cents() == 0 {
        return Ok(go(order::Paid { purchase }));
    }
    let pay = match race((signal::<Pay>(), signal::<Cancel>())).await {
        First(pay) => pay,
        Second(Cancel {}) => return Ok(go(order::Refunding { purchase, why: Why::Cancelled })),
    };
    let payment = purchase.next_payment(&pay);
    match charge(&payment, &pay.card).await {
        Ok(()) => {
            purchase.payments.push(payment);
            purchase.declined = None;
        }
        Err(Trouble::Declined(reason)) => purchase.declined = Some(reason),
        // The provider is silent: the run fails, and the parts that were paid are given back.
        Err(trouble) => return Err(trouble),
    }
    Ok(match purchase.due_cents() {
        0 => go(order::Paid { purchase }),
        _ => go(order::Placed { purchase }),
    })
}

#[state]
async fn paid(order::Paid { purchase }: order::Paid) -> Result<Next<order::Paid>, Trouble> {
    Ok(match race((signal::<Packed>(), signal::<Cancel>())).await {
        First(Packed {}) => go(order::Dispatching { purchase }),
        Second(Cancel {}) => go(order::Refunding { purchase, why: Why::Cancelled }),
    })
}

#[state]
async fn dispatching(order::Dispatching { purchase }: order::Dispatching) -> Result<Next<order::Dispatching>, Trouble> {
    match ship(&purchase.basket).await {
        Ok(tracking) => Ok(go(order::Shipped { purchase, tracking })),
        Err(Trouble::Declined(reason)) => Ok(go(order::Refunding { purchase, why: Why::NotTaken(reason) })),
        Err(trouble) => Err(trouble),
    }
}

#[state]
async fn shipped(order::Shipped { purchase, tracking }: order::Shipped) -> Result<Next<order::Shipped>, Trouble> {
    let DeliveryReport {} = signal::<DeliveryReport>().await;
    Ok(go(order::Delivered { purchase, tracking }))
}

#[state]
async fn delivered(
    order::Delivered { purchase, tracking }: order::Delivered,
) -> Result<Next<order::Delivered>, Trouble> {
    let ReturnRequest { reason } = signal::<ReturnRequest>().await;
    Ok(go(order::ReturnRequested { purchase, tracking, reason }))
}

#[state]
async fn return_requested(state: order::ReturnRequested) -> Result<Next<order::ReturnRequested>, Trouble> {
    let order::ReturnRequested { purchase, tracking, reason } = state;
    let label = book_return(&purchase.basket).await?;
    Ok(go(order::Returning { purchase, tracking, reason, label }))
}

#[state]
async fn returning(state: order::Returning) -> Result<Next<order::Returning>, Trouble> {
    let ReturnReceived {} = signal::<ReturnReceived>().await;
    Ok(go(order::Refunding { purchase: state.purchase, why: Why::Returned(state.reason) }))
}

#[state]
async fn refunding(order::Refunding { purchase, why }: order::Refunding) -> Result<Next<order::Refunding>, Trouble> {
    if purchase.payments.is_empty() {
        return Ok(go(order::Cancelled { purchase, why }));
    }
    let mut refunded_cents = 0;
    for payment in &purchase.payments {
        refunded_cents += refund(payment).await?;
    }
    Ok(go(order::Refunded { purchase, why, refunded_cents }))
}
