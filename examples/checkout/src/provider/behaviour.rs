//! How the provider misbehaves: a pure function of the operation and the order,
//! so that a test can say beforehand how each order must end.

use sha2::{Digest, Sha256};

use super::Operation;

/// How often a [`Manner::Busy`] operation answers 503 before it does its work.
pub const BUSY_ASKS: u32 = 2;

/// How one operation of one order is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// At once.
    Prompt,
    /// With 503, [`BUSY_ASKS`] times, and then at once.
    Busy,
    /// Done at once, but answered long after any client's patience. Who asks
    /// again under the same key gets the answer at once.
    SlowOnce,
    /// The same, however often one asks.
    SlowAlways,
    /// With a no.
    Declines,
}

/// How `operation` is answered for `order`.
#[must_use]
pub fn manner(operation: Operation, order: &str) -> Manner {
    // Each row: the first hundredth that is no longer answered in this manner.
    let rows: &[(u32, Manner)] = match operation {
        Operation::Reserve => &[(6, Manner::Busy), (8, Manner::SlowOnce), (10, Manner::Declines)],
        Operation::Charge => {
            &[(8, Manner::Busy), (14, Manner::SlowOnce), (16, Manner::SlowAlways), (21, Manner::Declines)]
        }
        Operation::Ship => &[(6, Manner::Busy), (8, Manner::SlowOnce), (12, Manner::Declines)],
        Operation::Release | Operation::Refund | Operation::Void => &[(25, Manner::Busy), (30, Manner::SlowOnce)],
        Operation::CancelShipment => &[],
    };
    let drawn = hundredth(operation, order);
    rows.iter().find(|(below, _)| drawn < *below).map_or(Manner::Prompt, |(_, manner)| *manner)
}

/// Whether an order can end well: nothing that it needs is declined, or
/// answered too late for ever.
#[must_use]
pub fn completes(order: &str, amount_cents: u64) -> bool {
    let goes_through = |operation| !matches!(manner(operation, order), Manner::Declines | Manner::SlowAlways);
    goes_through(Operation::Reserve)
        && (amount_cents == 0 || goes_through(Operation::Charge))
        && goes_through(Operation::Ship)
}

fn hundredth(operation: Operation, order: &str) -> u32 {
    let digest = Sha256::digest(format!("{operation}/{order}"));
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % 100
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::orders::OrderFile;

    #[test]
    fn the_kept_orders_meet_every_manner() {
        let file = OrderFile::load(None).unwrap();
        let mut met: HashMap<_, u32> = HashMap::new();
        for line in &file.orders {
            *met.entry(format!("{:?}", manner(Operation::Charge, &line.order.id))).or_default() += 1;
        }
        for manner in [Manner::Prompt, Manner::Busy, Manner::SlowOnce, Manner::SlowAlways, Manner::Declines] {
            assert!(met.get(&format!("{manner:?}")).is_some_and(|count| *count >= 3), "{manner:?}: {met:?}");
        }
        let good = file.orders.iter().filter(|line| completes(&line.order.id, line.order.amount_cents)).count();
        assert!((380..480).contains(&good), "{good} of 500 complete");
    }

    #[test]
    fn a_free_order_of_the_kept_file_ends_well() {
        let file = OrderFile::load(None).unwrap();
        let mut free = file.orders.iter().filter(|line| line.order.amount_cents == 0);
        assert!(free.any(|line| completes(&line.order.id, 0)));
    }
}
