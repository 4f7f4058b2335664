//! The server's log: JSON Lines, append-only, one line for each request, written and synced before it is answered.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Asked;

/// One line: a request, and how it was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1; the answer has it in `x-request-id`.
    pub line: u64,
    /// The idempotency key.
    pub key: String,
    /// What was asked.
    pub asked: Asked,
    /// What became of it.
    pub end: End,
    /// The body of the answer.
    pub answer: Value,
    /// Who asked: the `user-agent`.
    pub by: String,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It was done: 200.
    Done,
    /// It was done, and nobody told: the connection was closed.
    HungUp,
    /// It had been done under this key, and was not done again: 200, and the answer of that line.
    Again {
        /// The line.
        line: u64,
    },
    /// Nothing was done, for now: 503.
    Busy,
    /// Nothing was done, for now: 429.
    TooMany,
    /// It will not be done: 422.
    Refused,
}

impl End {
    /// Whether something was done.
    #[must_use]
    pub fn did(self) -> bool {
        matches!(self, End::Done | End::HungUp)
    }

    /// Whether the same is answered when it is asked once more under the same key.
    #[must_use]
    pub fn is_kept(self) -> bool {
        matches!(self, End::Done | End::HungUp | End::Refused)
    }

    /// Whether the answer is one that binds, if it arrives.
    #[must_use]
    pub fn binds(self) -> bool {
        matches!(self, End::Done | End::Again { .. } | End::Refused)
    }
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The file cannot be opened, read or written.
    #[error("log `{}`: cannot {action}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line that is whole, and yet none.
    #[error("log `{}`: line {line} is none: {source}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// The file, open. One process has it.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Opens or makes the file at `path`, and reads it back. A last line that a crash cut short is cut off: its answer
    /// was never given.
    ///
    /// # Errors
    /// When the file cannot be used, is used by another process, or has a whole line that is none.
    pub fn open(path: &Path) -> Result<(Log, Vec<Line>), LogError> {
        let failed = |action| {
            let path = path.to_owned();
            move |source| LogError::Io { action, path, source }
        };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed("open"))?;
        file.try_lock().map_err(|error| failed("lock")(error.into()))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed("read"))?;
        let whole = whole_lines(&text);
        file.set_len(whole.len() as u64).map_err(failed("cut"))?;
        file.seek(SeekFrom::End(0)).map_err(failed("cut"))?;
        let lines = parse(whole, path)?;
        Ok((Log { file, path: path.to_owned() }, lines))
    }

    /// Writes a line and syncs it.
    ///
    /// # Errors
    /// When that fails: nobody may be answered then.
    pub fn write(&mut self, line: &Line) -> Result<(), LogError> {
        let failed = |source| LogError::Io { action: "write", path: self.path.clone(), source };
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(failed)?;
        self.file.sync_data().map_err(failed)
    }
}

/// Reads the lines of a log that a server may be writing meanwhile.
///
/// # Errors
/// When the file cannot be read, or has a whole line that is none.
pub fn read_lines(path: &Path) -> Result<Vec<Line>, LogError> {
    let text = std::fs::read(path).map_err(|source| LogError::Io { action: "read", path: path.to_owned(), source })?;
    parse(whole_lines(&text), path)
}

fn parse(whole: &[u8], path: &Path) -> Result<Vec<Line>, LogError> {
    let lines = whole.split(|byte| *byte == b'\n').enumerate().filter(|(_, text)| !text.is_empty());
    let line = |(at, text)| {
        let failed = |source| LogError::Line { path: path.to_owned(), line: at + 1, source };
        serde_json::from_slice(text).map_err(failed)
    };
    lines.map(line).collect()
}

fn whole_lines(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &text[..end]
}
