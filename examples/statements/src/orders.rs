//! The order file, read from a cursor on: JSON Lines, sorted by customer.
//!
//! Holds one line at a time. A line that cannot be used is an error with its
//! number; blank lines are passed over.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use crate::page::{Cursor, PageError};

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 64 << 10;

/// What a line has, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    pub(crate) customer: String,
    pub(crate) amount_cents: u32,
}

/// The orders from a cursor on.
pub(crate) struct Orders<'a> {
    path: &'a Path,
    file: BufReader<File>,
    lines: u64,
    read: u64,
    customer: String,
}

impl<'a> Orders<'a> {
    /// Opens `path` behind what was read of it.
    pub(crate) fn open(path: &'a Path, at: &Cursor) -> Result<Orders<'a>, PageError> {
        let opened = || {
            let mut file = File::open(path)?;
            if file.metadata()?.len() < at.read {
                return Err(io::Error::other(format!("it ends before byte {}, up to which it was read", at.read)));
            }
            file.seek(SeekFrom::Start(at.read))?;
            Ok(BufReader::new(file))
        };
        let file = opened().map_err(|error| PageError::read(path, &error))?;
        let customer = at.open.as_ref().map(|open| open.customer.clone()).unwrap_or_default();
        Ok(Orders { path, file, lines: at.lines, read: at.read, customer })
    }

    /// The next order; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Order>, PageError> {
        loop {
            let mut text = Vec::new();
            let read = self.file.by_ref().take(MAX_LINE).read_until(b'\n', &mut text);
            let read = read.map_err(|error| PageError::read(self.path, &error))? as u64;
            (self.lines, self.read) = (self.lines + 1, self.read + read);
            match text.trim_ascii() {
                _ if read == MAX_LINE => return Err(self.bad(format!("a line has less than {MAX_LINE} bytes"))),
                [] if read == 0 => return Ok(None),
                [] => {}
                line => return self.order(line).map(Some),
            }
        }
    }

    fn order(&mut self, line: &[u8]) -> Result<Order, PageError> {
        let order: Order = serde_json::from_slice(line).map_err(|error| self.bad(no_order(&error)))?;
        if order.customer < self.customer {
            let problem =
                format!("`{}` stands behind `{}`: sort the orders by customer", order.customer, self.customer);
            return Err(self.bad(problem));
        }
        self.customer.clone_from(&order.customer);
        Ok(order)
    }

    fn bad(&self, problem: String) -> PageError {
        PageError::Line { line: self.lines, problem }
    }

    /// Whether nothing is left.
    pub(crate) fn at_end(&mut self) -> Result<bool, PageError> {
        let rest = self.file.fill_buf().map_err(|error| PageError::read(self.path, &error))?;
        Ok(rest.is_empty())
    }

    /// How many lines, and bytes, were read.
    pub(crate) fn place(&self) -> (u64, u64) {
        (self.lines, self.read)
    }
}

/// serde_json counts lines from the start of what it was given, which is one
/// line here: only the column says anything.
fn no_order(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    format!("no order: {what}, at column {}", error.column())
}
