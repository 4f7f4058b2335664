//! Reads a data directory that nobody has open, and tells of everything that is wrong with it.
//!
//! Bytes first, each part by itself: log, checkpoint, arena. Then what they
//! mean: every record, every run, every row. What must always hold: not a byte
//! is changed, but that a directory without a file `LOCK` gets one; a problem
//! is not the end; what an engine refuses when it opens is a problem here.
//! Of an encrypted directory bytes can be verified without keys, and what they
//! mean only with them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint::{KeyInUse, Rows, Tail, Used, plain, used, verify_locked, verify_rows};
use super::{Cut, Error};
use crate::id::Lsn;
use crate::journal::Decoder;
use crate::platform::{Entropy, Fs};
use crate::storage::arena;
use crate::storage::checkpoint::{CheckpointError, CheckpointStore, MemoryCheckpoint, RedbCheckpoint};
use crate::storage::crypt::Provider;
use crate::storage::{self, Look, Problem, StorageError, VerifiedLog};

/// How many bytes of the checkpoint are kept in memory meanwhile.
const CACHE: usize = 16 << 20;

/// Something in a data directory that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyProblem {
    /// The bytes of a file are not what was written.
    Bytes(Problem),
    /// A row of the checkpoint is not what the rest of the directory says.
    #[non_exhaustive]
    Row {
        /// The table, as `FORMAT.md` names it.
        table: &'static str,
        /// The row's key, in hexadecimal; empty if it is about the table.
        key: String,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A record of a run does not follow what is there of the run before it.
    #[non_exhaustive]
    Record {
        /// The record.
        lsn: Lsn,
        /// The run's number.
        run: u64,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
}

impl VerifyProblem {
    /// The file and the offset in it, in bytes, if it is about the bytes of a file.
    #[must_use]
    pub fn place(&self) -> Option<(&Path, u64)> {
        match self {
            VerifyProblem::Bytes(problem) => Some((&problem.file, problem.offset)),
            VerifyProblem::Row { .. } | VerifyProblem::Record { .. } => None,
        }
    }
}

impl fmt::Display for VerifyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyProblem::Bytes(problem) => problem.fmt(f),
            VerifyProblem::Row { table, key, expected, found } => {
                write!(f, "table `{table}` of the checkpoint, key `{key}`: expected {expected}, found {found}")
            }
            VerifyProblem::Record { lsn, run, expected, found } => {
                write!(f, "LSN {lsn}, of run {run}: expected {expected}, found {found}")
            }
        }
    }
}

impl From<Problem> for VerifyProblem {
    fn from(problem: Problem) -> VerifyProblem {
        VerifyProblem::Bytes(problem)
    }
}

/// What [`verify`](crate::verify()) has read, and everything that is wrong with it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Everything that is wrong.
    pub problems: Vec<VerifyProblem>,
    /// What the next engine will cut off the log's end: a frame that a crash tore. This is no problem.
    pub cut: Option<Cut>,
    /// Runs that are known, of which none is forgotten.
    pub runs: u64,
    /// Records of those runs, in the checkpoint and in the log behind it.
    pub records: u64,
    /// Intact records in the log, those among them that the checkpoint has, too.
    pub log_records: u64,
    /// Blobs that are as their records and rows say.
    pub blobs: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// The checkpoint has everything up to here.
    pub applied: Lsn,
    /// The last record.
    pub last: Lsn,
    /// The directory is encrypted, and no keys were given: what its records and most rows mean was not looked at, and
    /// `runs` and `records` were not counted. [`Builder::verify`](crate::Builder::verify) takes keys.
    pub locked: bool,
    /// The keys that something in the directory is encrypted with. A key that was in use and is not here any more can
    /// be taken from the key provider. No key is needed to tell.
    pub keys: Vec<KeyInUse>,
}

impl VerifyReport {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn tell(&mut self, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            let problem = VerifyProblem::Bytes(problem);
            // Two parts may come upon the same bytes.
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }
}

/// Verifies a data directory whose checkpoint is in `store`, or in the directory if there is none. Blocks.
///
/// # Errors
/// When the directory is in use or is none, when it cannot be listed or locked, and when `keys` are not its keys.
pub(crate) async fn verify(
    fs: Arc<dyn Fs>,
    entropy: Arc<dyn Entropy>,
    dir: &Path,
    store: Option<Arc<dyn CheckpointStore>>,
    keys: Option<&Provider>,
) -> Result<VerifyReport, Error> {
    let look = Look::at(fs.clone(), dir)?;
    // A key that is absent is told of by whatever is encrypted with it.
    let cipher = look.unlock(&entropy, keys)?.into_cipher();
    let mut report = VerifyReport { bytes: look.bytes()?, ..VerifyReport::default() };
    let store = match store {
        Some(store) => Some(store),
        None => checkpoint(&look, &mut report)?,
    };
    let applied = match &store {
        Some(store) => store.applied_lsn().await,
        None => Ok(Lsn(0)),
    };
    report.applied = applied.clone().unwrap_or_default();
    let mut tail = Tail::new(report.applied, Decoder { cipher: cipher.clone(), source: None, names: None });
    let log = storage::verify_log(fs.clone(), dir, report.applied, &mut |lsn, record| tail.record(lsn, record));
    let VerifiedLog { problems, cut, records, last_lsn } = log;
    report.tell(problems);
    report.cut = cut.map(Into::into);
    (report.log_records, report.last) = (records, last_lsn);
    report.locked = !cipher.is_on() && (look.encryption.is_some() || tail.is_locked());
    if look.encryption.is_some() || tail.is_locked() || cipher.is_on() {
        report.keys = match &store {
            // Rows that cannot be read are told of below.
            Some(store) => used(&fs, dir, &**store, report.applied).await.map(Used::into_keys).unwrap_or_default(),
            None => Vec::new(),
        };
    }
    let rows = match (&store, applied) {
        (Some(store), Ok(_)) if report.locked => verify_locked(&**store, tail).await,
        (Some(store), Ok(_)) => verify_rows(&*plain(store, &cipher), tail).await,
        (_, Err(error)) => {
            report.tell([unreadable(&look, &error)]);
            Rows::default()
        }
        // Without the checkpoint nobody can tell what the log's tail means.
        (None, Ok(_)) => Rows::default(),
    };
    let Rows { problems, runs, records, blobs } = rows;
    problems.into_iter().for_each(|problem| match problem {
        VerifyProblem::Bytes(problem) => report.tell([problem]),
        other => report.problems.push(other),
    });
    (report.runs, report.records) = (runs, records);
    if let Some(uuid) = look.uuid {
        let arena = arena::verify(&fs, dir, uuid, &blobs, &cipher);
        report.tell(arena.problems);
        report.blobs = arena.blobs;
    }
    Ok(report)
}

/// The default store, as it is; none if it cannot be opened, which is told.
fn checkpoint(look: &Look, report: &mut VerifyReport) -> Result<Option<Arc<dyn CheckpointStore>>, StorageError> {
    let Some(file) = look.checkpoint()? else {
        // An engine that has not applied anything yet has made none.
        return Ok(Some(Arc::new(MemoryCheckpoint::new())));
    };
    let Some(uuid) = look.uuid else {
        let expected = "the UUID of the data directory, in MANIFEST or in a segment of the log".to_owned();
        report.tell([Problem { file, offset: 0, expected, found: "none: the checkpoint was not read".to_owned() }]);
        return Ok(None);
    };
    report.tell(storage::verify_checkpoint(&look.fs, &file, uuid));
    match RedbCheckpoint::look(&look.fs, &file, uuid, CACHE) {
        Ok(store) => Ok(Some(Arc::new(store))),
        Err(error) => {
            report.tell([unreadable(look, &error)]);
            Ok(None)
        }
    }
}

/// A fault of the store as one of its file.
pub(super) fn of_store(error: &CheckpointError) -> Option<Problem> {
    match error {
        CheckpointError::Damaged { file, offset, expected, found } => {
            Some(Problem { file: file.clone(), offset: *offset, expected: expected.clone(), found: found.clone() })
        }
        _ => None,
    }
}

fn unreadable(look: &Look, error: &CheckpointError) -> Problem {
    of_store(error).unwrap_or_else(|| Problem {
        file: look.dir.join(storage::CHECKPOINT),
        offset: 0,
        expected: "a checkpoint store of this data directory".to_owned(),
        found: error.to_string(),
    })
}
