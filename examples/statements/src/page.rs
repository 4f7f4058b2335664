//! One page: the orders behind a cursor, and the statements that they complete.
//!
//! What must hold: a page reads from where its cursor says and writes where its
//! cursor says, whatever a crash left there. Written twice, it stands there once.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::office::kill_myself;
use crate::orders::{Order, Orders};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The orders: JSON Lines, sorted by customer.
    pub orders: PathBuf,
    /// Where the statements go: JSON Lines, too.
    pub out: PathBuf,
    /// How many orders make a page.
    pub page: u32,
}

/// Where a job stands. All that a page needs to know of those before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The page's number, from 0.
    pub page: u64,
    /// How many lines were read.
    pub lines: u64,
    /// How many bytes these have.
    pub read: u64,
    /// How many bytes of statements were written.
    pub written: u64,
    /// The statement of the last customer, who may have more orders on the next page.
    pub open: Option<Statement>,
}

/// What one customer ordered: one line of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Who.
    pub customer: String,
    /// How many orders.
    pub orders: u64,
    /// What they cost, in US cents.
    pub amount_cents: u64,
}

/// What a page came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Orders that were read.
    pub orders: u64,
    /// Statements that were written.
    pub statements: u64,
    /// What was ordered, in US cents.
    pub amount_cents: u64,
    /// Where the next page begins; none when this was the last.
    pub next: Option<Cursor>,
}

/// Why a page could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PageError {
    /// The orders cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The statements cannot be written.
    #[error("cannot write `{}`: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A line is no order, or one in the wrong place.
    #[error("line {line}: {problem}")]
    Line {
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The thread that wrote the page has panicked.
    #[error("{0}")]
    Broke(String),
}

impl PageError {
    pub(crate) fn read(path: &Path, error: &io::Error) -> PageError {
        PageError::Read { path: path.to_owned(), reason: error.to_string() }
    }

    fn write(path: &Path, error: &io::Error) -> PageError {
        PageError::Write { path: path.to_owned(), reason: error.to_string() }
    }
}

/// Writes the page at `at`; with `tear`, half of it, and the process is gone.
pub(crate) fn write(job: &Job, at: &Cursor, tear: bool) -> Result<Page, PageError> {
    let mut orders = Orders::open(&job.orders, at)?;
    let (mut page, mut open, mut closed) = (Page::default(), at.open.clone(), Vec::new());
    while page.orders < u64::from(job.page)
        && let Some(Order { customer, amount_cents }) = orders.next()?
    {
        let statement = match &mut open {
            Some(open) if open.customer == customer => open,
            open => {
                closed.extend(open.take());
                open.insert(Statement { customer, orders: 0, amount_cents: 0 })
            }
        };
        statement.orders += 1;
        statement.amount_cents += u64::from(amount_cents);
        page.orders += 1;
        page.amount_cents += u64::from(amount_cents);
    }
    let last = orders.at_end()?;
    if last {
        closed.extend(open.take());
    }
    let mut text = Vec::new();
    for statement in &closed {
        let line = serde_json::to_writer(&mut text, statement).map_err(io::Error::from);
        line.and_then(|()| text.write_all(b"\n")).map_err(|error| PageError::write(&job.out, &error))?;
    }
    put(&job.out, at, &text, tear).map_err(|error| PageError::write(&job.out, &error))?;
    page.statements = closed.len() as u64;
    let (lines, read) = orders.place();
    let next = Cursor { page: at.page + 1, lines, read, written: at.written + text.len() as u64, open };
    page.next = (!last).then_some(next);
    Ok(page)
}

/// Puts a page where its cursor says, in place of whatever a crash left from there on.
fn put(out: &Path, at: &Cursor, text: &[u8], tear: bool) -> io::Result<()> {
    let first = at.page == 0;
    let file = OpenOptions::new().write(true).create(first).truncate(false).open(out)?;
    let there = file.metadata()?.len();
    if there < at.written {
        let lost = format!("{there} bytes are left of the {} that were written: bring them back", at.written);
        return Err(io::Error::other(lost));
    }
    file.set_len(at.written)?;
    if tear {
        file.write_all_at(&text[..text.len() / 2], at.written)?;
        kill_myself();
    }
    file.write_all_at(text, at.written)?;
    // The record of the page says that it is there: also after a power cut.
    file.sync_all()?;
    match out.parent() {
        Some(dir) if first => File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}
