//! The payment provider and the carrier: other companies, which here are one file of JSON lines.
//!
//! What must always hold: what was asked for under one key is done once, and answered the same each time. Nothing is
//! synced: the file outlives the death of any process, not of the machine, which is all that a stand-in has to do.

use std::fs::{File, OpenOptions};
use std::io::{Error, Read, Result as IoResult, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// The card that is always declined.
pub const DECLINED_CARD: &str = "declined";

/// The card whose bank takes the money and never says so.
pub const SILENT_CARD: &str = "silent";

/// The most pieces that the carrier takes in one parcel.
pub const MOST_PIECES: u32 = 100;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Money was taken.
    Charge,
    /// Money was given back.
    Refund,
    /// A parcel was taken to its customer.
    Ship,
    /// A label for a way back was made.
    BookReturn,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What was done.
    pub operation: Operation,
    /// The payment or the order that it was about.
    pub about: String,
    /// How much money it moved, in US cents.
    pub cents: u64,
    /// The idempotency key under which it was asked for.
    pub key: String,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Trouble {
    /// The other side will not do it.
    #[error("{0}")]
    Declined(String),
    /// The other side cannot be reached, or did not answer: nobody knows what it did.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

impl Trouble {
    /// Worth another attempt; and nobody knows what the last one did.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Trouble::NoAnswer(_))
    }
}

/// The file, open. One process has it.
#[derive(Debug)]
pub struct Ledger {
    books: Mutex<Books>,
}

#[derive(Debug)]
struct Books {
    file: File,
    entries: Vec<Entry>,
    /// How many more entries this process lives to write.
    left: Option<u64>,
}

impl Ledger {
    /// Opens or makes the file at `path` and reads it back. A last line that a crash cut short is cut off: its answer
    /// was never given. With `kill_after`, the process kills itself once it has written so many entries, before it can
    /// tell anybody: the worst moment.
    ///
    /// # Errors
    /// When the file cannot be used, is used by another process, or has a whole line that is no entry.
    pub fn open(path: &Path, kill_after: Option<u64>) -> IoResult<Ledger> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        file.try_lock()?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = whole_lines(&text);
        file.set_len(whole.len() as u64)?;
        Ok(Ledger { books: Mutex::new(Books { file, entries: parse(whole)?, left: kill_after }) })
    }

    /// Takes money for the payment of this reference.
    pub(crate) fn charge(&self, key: &str, reference: &str, cents: u64, card: &str) -> Result<(), Trouble> {
        let charge = |books: &Books| match () {
            () if card == DECLINED_CARD => Err(Trouble::Declined("the card was declined".to_owned())),
            // A charge that comes late, after somebody took it back.
            () if books.about(Operation::Refund, reference).next().is_some() => {
                Err(Trouble::Declined("the payment was taken back".to_owned()))
            }
            () => Ok(cents),
        };
        self.ask(key, Operation::Charge, reference, charge)?;
        match card {
            SILENT_CARD => Err(Trouble::NoAnswer("the bank is silent".to_owned())),
            _ => Ok(()),
        }
    }

    /// Gives back what was taken under this reference, and bars what may come. Says how much it was.
    pub(crate) fn refund(&self, key: &str, reference: &str) -> Result<u64, Trouble> {
        let left = |books: &Books| {
            let sum = |operation| books.about(operation, reference).map(|entry| entry.cents).sum::<u64>();
            Ok(sum(Operation::Charge).saturating_sub(sum(Operation::Refund)))
        };
        self.ask(key, Operation::Refund, reference, left)
    }

    /// Takes a parcel, and gives the carrier's name for it.
    pub(crate) fn ship(&self, key: &str, order: &str, pieces: u32) -> Result<String, Trouble> {
        let take = |_: &Books| match pieces {
            0..=MOST_PIECES => Ok(0),
            _ => Err(Trouble::Declined(format!("a parcel has {MOST_PIECES} pieces at most"))),
        };
        self.ask(key, Operation::Ship, order, take)?;
        Ok(format!("parcel-{order}"))
    }

    /// Makes a label for the way back, and gives the carrier's name for it.
    pub(crate) fn book_return(&self, key: &str, order: &str) -> Result<String, Trouble> {
        self.ask(key, Operation::BookReturn, order, |_| Ok(0))?;
        Ok(format!("return-{order}"))
    }

    /// Does something once, and says how much money it moved.
    fn ask(
        &self,
        key: &str,
        operation: Operation,
        about: &str,
        decide: impl FnOnce(&Books) -> Result<u64, Trouble>,
    ) -> Result<u64, Trouble> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = books.entries.iter().find(|entry| entry.key == key) {
            return Ok(done.cents);
        }
        let cents = decide(&books)?;
        let entry = Entry { operation, about: about.to_owned(), cents, key: key.to_owned() };
        books.write(entry).map_err(|error| Trouble::NoAnswer(error.to_string()))?;
        Ok(cents)
    }
}

impl Books {
    fn about<'a>(&'a self, operation: Operation, about: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.operation == operation && entry.about == about)
    }

    fn write(&mut self, entry: Entry) -> IoResult<()> {
        let before = self.file.metadata()?.len();
        let line = serde_json::to_string(&entry)? + "\n";
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a line, if any: nothing was done.
            self.file.set_len(before)?;
            return Err(error);
        }
        self.entries.push(entry);
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.left == Some(0) {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
        Ok(())
    }
}

/// Reads the entries of a ledger that a process may be writing meanwhile.
///
/// # Errors
/// When the file cannot be read, or has a whole line that is no entry.
pub fn read_entries(path: &Path) -> IoResult<Vec<Entry>> {
    parse(whole_lines(&std::fs::read(path)?))
}

/// Where the ledger is in a data directory.
#[must_use]
pub fn path_in(data: &Path) -> PathBuf {
    data.join("ledger.jsonl")
}

fn parse(whole: &[u8]) -> IoResult<Vec<Entry>> {
    let lines = whole.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_slice(line)
                .map_err(|error| Error::other(format!("line {} of the ledger is no entry: {error}", index + 1)))
        })
        .collect()
}

fn whole_lines(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &text[..end]
}
