//! One page of the file, from a place on.
//!
//! What must hold: the same place in the same file gives the same page, and
//! each line behind it is a row, a reject or blank. Holds one page at a time.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::orders::{self, Reject, Row};

/// A longer line is rejected, and kept no further than this, in bytes.
const MAX_LINE: u64 = 64 << 10;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The orders: JSON Lines.
    pub file: PathBuf,
    /// How many lines make a page.
    pub page_lines: u32,
}

/// A place in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Where the file ends, in bytes.
    pub bytes: u64,
    /// How many bytes come before this place.
    pub cursor: u64,
    /// How many lines these are.
    pub lines: u64,
}

/// What a page came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The place behind it.
    pub place: Place,
    /// How many of its lines are rows.
    pub imported: u64,
    /// How many are rejects.
    pub rejected: u64,
    /// How many have nothing on them.
    pub blank: u64,
}

/// What a page puts into the table: JSON Lines.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) rows: Vec<u8>,
    pub(crate) rejects: Vec<u8>,
}

/// Why a page could not be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PageError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The table cannot be written or read.
    #[error("cannot use the table in `{}`: {reason}", path.display())]
    Table {
        /// Its directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file, or the table, is not what the import has begun with.
    #[error("{0}")]
    Changed(String),
    /// It ended in a panic.
    #[error("the page was not imported: {0}")]
    Broke(String),
}

impl PageError {
    pub(crate) fn read(path: &Path, error: &io::Error) -> PageError {
        PageError::Read { path: path.to_owned(), reason: error.to_string() }
    }

    pub(crate) fn table(path: &Path, error: &io::Error) -> PageError {
        PageError::Table { path: path.to_owned(), reason: error.to_string() }
    }

    /// Whether trying again soon may help.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, PageError::Read { .. } | PageError::Table { .. })
    }
}

/// The file's bytes; none if it is not there.
pub(crate) fn look(job: &Job) -> Result<Option<u64>, PageError> {
    let path = &job.file;
    match fs::metadata(path) {
        Ok(file) if !file.is_file() => Err(PageError::Changed(format!("`{}` is no file", path.display()))),
        Ok(file) if file.len() == 0 => Err(PageError::Changed(format!("`{}` is empty", path.display()))),
        Ok(file) => Ok(Some(file.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PageError::read(path, &error)),
    }
}

/// Reads the page behind `place`.
pub(crate) fn read(job: &Job, place: Place) -> Result<(Page, Batch), PageError> {
    let failed = |error: io::Error| PageError::read(&job.file, &error);
    let mut file = File::open(&job.file).map_err(failed)?;
    let there = file.metadata().map_err(failed)?.len();
    if there < place.bytes {
        let path = job.file.display();
        let changed = format!("`{path}` had {} bytes when its import began, and has {there} now", place.bytes);
        return Err(PageError::Changed(changed));
    }
    file.seek(SeekFrom::Start(place.cursor)).map_err(failed)?;
    let mut file = BufReader::new(file).take(place.bytes - place.cursor);
    let (mut page, mut batch) = (Page { place, ..Page::default() }, Batch::default());
    let last = place.lines + u64::from(job.page_lines);
    while page.place.lines < last && page.place.cursor < place.bytes {
        let (line, bytes) = line(&mut file).map_err(failed)?;
        take(&mut page, &mut batch, &line, bytes).map_err(failed)?;
    }
    Ok((page, batch))
}

/// The next line, up to the longest that is kept, and how many bytes it has in all.
fn line(file: &mut impl BufRead) -> io::Result<(Vec<u8>, u64)> {
    let mut line = Vec::new();
    let mut bytes = file.take(MAX_LINE).read_until(b'\n', &mut line)? as u64;
    if bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if bytes == MAX_LINE && line.last() != Some(&b'\n') {
        bytes += file.skip_until(b'\n')? as u64;
    }
    Ok((line, bytes))
}

/// Makes a line a row or a reject.
fn take(page: &mut Page, batch: &mut Batch, text: &[u8], bytes: u64) -> io::Result<()> {
    let at = page.place.cursor;
    (page.place.cursor, page.place.lines) = (at + bytes, page.place.lines + 1);
    let line = page.place.lines;
    let order = match text.trim_ascii() {
        _ if bytes > MAX_LINE => Err(format!("a line has at most {MAX_LINE} bytes")),
        [] => {
            page.blank += 1;
            return Ok(());
        }
        text => orders::order(text),
    };
    match order {
        Ok(order) => {
            page.imported += 1;
            push(&mut batch.rows, &Row { line, order })
        }
        Err(problem) => {
            page.rejected += 1;
            let text = String::from_utf8_lossy(text.trim_ascii_end()).into_owned();
            push(&mut batch.rejects, &Reject { line, at, bytes, problem, text })
        }
    }
}

fn push(lines: &mut Vec<u8>, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, line)?;
    lines.push(b'\n');
    Ok(())
}
