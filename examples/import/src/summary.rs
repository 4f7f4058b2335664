//! What there is in a table, in sums.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::orders::Row;
use crate::page::PageError;
use crate::table::{ORDERS, REJECTS};

/// The sums of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows of the table.
    pub imported: u64,
    /// Lines that are no orders.
    pub rejected: u64,
    /// The orders of each month, `YYYY-MM`.
    pub months: BTreeMap<String, Month>,
}

/// The orders of a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Month {
    /// How many.
    pub orders: u64,
    /// How many pieces.
    pub pieces: u64,
    /// What they cost, in US cents.
    pub cents: u64,
}

impl Summary {
    /// What all orders cost, in US cents.
    #[must_use]
    pub fn cents(&self) -> u64 {
        self.months.values().map(|month| month.cents).sum()
    }
}

/// Sums up the table in `dir`, a row at a time.
pub(crate) fn of(dir: &Path) -> Result<Summary, PageError> {
    let failed = |error: io::Error| PageError::table(dir, &error);
    let lines = |name| File::open(dir.join(name)).map(|file| BufReader::new(file).lines()).map_err(failed);
    let mut summary = Summary::default();
    for line in lines(ORDERS)? {
        let Row { order, .. } = serde_json::from_str(&line.map_err(failed)?).map_err(|error| failed(error.into()))?;
        let month = order.date.get(.."1997-01".len()).unwrap_or_default();
        let month = summary.months.entry(month.to_owned()).or_default();
        month.orders += 1;
        month.pieces += u64::from(order.quantity);
        month.cents += order.amount_cents;
        summary.imported += 1;
    }
    for line in lines(REJECTS)? {
        line.map_err(failed)?;
        summary.rejected += 1;
    }
    Ok(summary)
}
