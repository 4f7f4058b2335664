//! The provider's ledger file: JSON Lines, append-only, owned by one process.
//!
//! An answer is written down before it is given. Nothing is synced: the file
//! outlives the death of any process, not of the machine, which is all that
//! the stand-in for another company's database has to do.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Books, Decision, Entry, Operation, Request, Verdict};

/// How long a provider waits for its predecessor, which ends by itself as soon
/// as it notices that its parent has died.
const PATIENCE: Duration = Duration::from_secs(5);

/// The file, and the books that it adds up to.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    path: PathBuf,
    books: Books,
}

/// What is wrong with a ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file cannot be opened, read or written.
    #[error("ledger `{}`: cannot {action}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another provider has it.
    #[error("ledger `{}`: another provider is using it", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A line that is whole, and yet no entry.
    #[error("ledger `{}`: line {line} is no entry", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Ledger {
    /// Opens or makes the ledger at `path` and reads it back. A last line that
    /// a crash cut short is cut off: its answer was never given.
    ///
    /// # Errors
    /// When the file cannot be used, is used by another provider, or has a
    /// whole line that is no entry.
    pub fn open(path: &Path) -> Result<Ledger, LedgerError> {
        let failed = |action| {
            let path = path.to_owned();
            move |source| LedgerError::Io { action, path, source }
        };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed("open"))?;
        lock(&file, path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed("read"))?;
        let whole = whole_lines(&bytes);
        if whole.len() < bytes.len() {
            file.set_len(whole.len() as u64).map_err(failed("cut"))?;
            file.seek(SeekFrom::End(0)).map_err(failed("cut"))?;
        }
        let mut books = Books::default();
        for entry in parse(whole, path)? {
            books.enter(&entry);
        }
        Ok(Ledger { file, path: path.to_owned(), books })
    }

    /// Decides about a request and writes down how it is answered.
    ///
    /// # Errors
    /// When the answer cannot be written; it must not be given then.
    pub fn ask(&mut self, operation: Operation, key: &str, request: &Request) -> Result<Decision, LedgerError> {
        let decision = self.books.decide(operation, key, request);
        let entry = match &decision {
            Decision::New(entry) => entry.clone(),
            Decision::Known(_) => {
                Entry { order: request.order.clone(), operation, verdict: Verdict::Again, key: key.to_owned() }
            }
            Decision::KeyReused => return Ok(decision),
        };
        let failed = |source| LedgerError::Io { action: "write", path: self.path.clone(), source };
        let mut line = serde_json::to_vec(&entry).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(failed)?;
        self.books.enter(&entry);
        Ok(decision)
    }
}

/// Reads the entries of a ledger that a provider may be writing meanwhile.
///
/// # Errors
/// When the file cannot be read, or has a whole line that is no entry.
pub fn read_entries(path: &Path) -> Result<Vec<Entry>, LedgerError> {
    let bytes =
        std::fs::read(path).map_err(|source| LedgerError::Io { action: "read", path: path.to_owned(), source })?;
    parse(whole_lines(&bytes), path)
}

fn parse(whole: &[u8], path: &Path) -> Result<Vec<Entry>, LedgerError> {
    let lines = whole.split(|byte| *byte == b'\n').enumerate().filter(|(_, text)| !text.is_empty());
    lines
        .map(|(index, text)| {
            serde_json::from_slice(text).map_err(|source| LedgerError::Line {
                path: path.to_owned(),
                line: index + 1,
                source,
            })
        })
        .collect()
}

fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &bytes[..end]
}

fn lock(file: &File, path: &Path) -> Result<(), LedgerError> {
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => return Err(LedgerError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => {
                return Err(LedgerError::Io { action: "lock", path: path.to_owned(), source });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Manner, manner};

    fn request() -> Request {
        let mut ids = (0..).map(|n| format!("order-{n}"));
        let order = ids.find(|id| manner(Operation::Charge, id) == Manner::Prompt).unwrap();
        Request::about(&order).amount(700)
    }

    #[test]
    fn a_reopened_ledger_answers_a_known_key_as_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.jsonl");
        let first = Ledger::open(&path).unwrap().ask(Operation::Charge, "k", &request()).unwrap();
        let again = Ledger::open(&path).unwrap().ask(Operation::Charge, "k", &request()).unwrap();
        let Decision::New(Entry { verdict, .. }) = first else { panic!("{first:?}") };
        assert_eq!(again, Decision::Known(verdict));
        assert_eq!(read_entries(&path).unwrap()[1].verdict, Verdict::Again);
    }

    #[test]
    fn a_torn_last_line_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.jsonl");
        Ledger::open(&path).unwrap().ask(Operation::Charge, "k", &request()).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"order\":\"x").unwrap();
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.ask(Operation::Ship, "s", &request()).unwrap();
        drop(ledger);
        let entries = read_entries(&path).unwrap();
        assert_eq!(
            entries.iter().map(|entry| entry.operation).collect::<Vec<_>>(),
            [Operation::Charge, Operation::Ship]
        );
        assert!(matches!(&entries[0].verdict, Verdict::Done(done) if done.amount_cents == 700), "{entries:?}");
    }

    #[test]
    fn a_whole_line_that_is_no_entry_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.jsonl");
        std::fs::write(&path, "{}\n").unwrap();
        let error = Ledger::open(&path).unwrap_err().to_string();
        assert!(error.ends_with("line 1 is no entry"), "{error}");
    }
}
