//! What goes wrong with a program.

use std::io;

use rustix::io::Errno;

use crate::storage::StorageError;

/// Why a program has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The program is not on the transport's list.
    #[error("program `{program}` is not allowed: add `.allow(\"{program}\", path)` to the `Processes`")]
    NotAllowed {
        /// What the request calls it.
        program: String,
    },
    /// The program is on the list with a path that is relative: what that is depends on where the engine was started.
    #[error("program `{program}` is allowed by a path that is relative: give the whole path")]
    RelativePath {
        /// What the request calls it.
        program: String,
    },
    /// The program could not be started.
    #[error("program `{program}` cannot be started: {source}")]
    Start {
        /// What the request calls it.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A signal ended the program.
    #[error("program `{program}` was ended by signal {signal}")]
    Killed {
        /// What the request calls it.
        program: String,
        /// The signal's number.
        signal: i32,
    },
    /// The program printed more than it may, and was killed.
    #[error("program `{program}` printed more than {limit} bytes to {stream}: raise `max_output` of the `Processes`")]
    TooMuchOutput {
        /// What the request calls it.
        program: String,
        /// `stdout` or `stderr`.
        stream: &'static str,
        /// How many bytes it may print.
        limit: usize,
    },
    /// What the program is given or prints could not be passed on, and it was killed.
    #[error("{stream} of program `{program}` fails: {source}")]
    Pipe {
        /// What the request calls it.
        program: String,
        /// `stdin`, `stdout`, `stderr`, or `the end`.
        stream: &'static str,
        /// What happened.
        source: io::Error,
    },
    /// The program has ended, and its large output cannot be stored.
    #[error("what program `{program}` printed cannot be stored: {source}")]
    Storage {
        /// What the request calls it.
        program: String,
        /// Why not.
        source: StorageError,
    },
}

impl ProcessError {
    /// Whether the program may have done something.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            ProcessError::NotAllowed { .. } | ProcessError::RelativePath { .. } => false,
            ProcessError::Start { source, .. } => may_have_started(source),
            ProcessError::Killed { .. }
            | ProcessError::TooMuchOutput { .. }
            | ProcessError::Pipe { .. }
            | ProcessError::Storage { .. } => true,
        }
    }
}

/// Where there is no descriptor or memory left, it may be that the program was started and could not be attended to.
fn may_have_started(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    match code {
        Some(code) => [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOSPC].contains(&code),
        None => error.kind() != io::ErrorKind::InvalidInput,
    }
}

/// For steps whose error is a text.
impl From<ProcessError> for String {
    fn from(error: ProcessError) -> String {
        error.to_string()
    }
}
