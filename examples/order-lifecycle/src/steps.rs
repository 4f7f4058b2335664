//! The steps: what an order asks of the payment provider and of the carrier.
//!
//! What must always hold: each sends `io.key()` along, so that a step that runs again after a crash asks for the same
//! thing and not for another one.

use factum::prelude::*;

use crate::ledger::{Ledger, Trouble};
use crate::purchase::{Basket, Payment};

/// What every step can reach: `io.app()`.
#[derive(Debug)]
pub struct Shop {
    /// The other companies.
    pub ledger: Ledger,
}

// The undo does not name `output`, so that it serves for an unknown end, too: it gives back whatever was taken under
// this reference.
#[step(
    retry(attempts = 5, initial = "50ms", max = "1s", when = Trouble::is_transient),
    compensate = refund(payment),
    unknown_when = Trouble::is_transient,
)]
pub(crate) async fn charge(io: &mut Io<Shop>, payment: &Payment, card: &str) -> Result<(), Trouble> {
    io.app().ledger.charge(io.key().as_str(), &payment.reference, payment.cents, card)
}

/// Gives the money of one payment back, and says how much it was.
#[step(retry(attempts = 100, initial = "50ms", max = "2s", when = Trouble::is_transient))]
pub(crate) async fn refund(io: &mut Io<Shop>, payment: &Payment) -> Result<u64, Trouble> {
    io.app().ledger.refund(io.key().as_str(), &payment.reference)
}

/// Hands the parcel to the carrier, and gives its name for it.
#[step(retry(attempts = 100, initial = "50ms", max = "2s", when = Trouble::is_transient))]
pub(crate) async fn ship(io: &mut Io<Shop>, basket: &Basket) -> Result<String, Trouble> {
    io.app().ledger.ship(io.key().as_str(), &basket.order, basket.quantity)
}

/// Gets a label for the way back.
#[step(retry(attempts = 100, initial = "50ms", max = "2s", when = Trouble::is_transient))]
pub(crate) async fn book_return(io: &mut Io<Shop>, basket: &Basket) -> Result<String, Trouble> {
    io.app().ledger.book_return(io.key().as_str(), &basket.order)
}
