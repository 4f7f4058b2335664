//! Programs that are run. Needs the feature `process`.
//!
//! ```
//! use factum::process::{ProcessRequest, Processes};
//! use factum::prelude::*;
//!
//! #[step(retry(attempts = 3))]
//! async fn pages(io: &mut Io, pdf: Vec<u8>) -> Result<String, String> {
//!     let ask = ProcessRequest::new("pdfinfo").arg("-").stdin(pdf);
//!     let answer = io.call(io.transport::<Processes>()?, ask).await?;
//!     if !answer.is_success() {
//!         return Err(String::from_utf8_lossy(answer.stderr()).into_owned());
//!     }
//!     answer.text().map(str::to_owned).map_err(|error| error.to_string())
//! }
//!
//! // `Engine::builder(dir).transport(programs)` gives it to every step.
//! let programs = Processes::new().allow("pdfinfo", "/usr/bin/pdfinfo");
//! ```
//!
//! # What binds
//! Every exit code is an answer and a fact: a program that ends with 1 is not run again by the next attempt. A program
//! that cannot be started has done nothing, and that is known; where a signal ends it, or a limit, nobody knows what it
//! did.
//!
//! # Limits
//! A program runs in a process group of its own. At a limit (of the time, of what it prints), and when the step's
//! attempt ends before it, the whole group is killed. The call returns at the limit in any case, also if a process that
//! has left the group still holds the program's output: that one is not killed. An answer is there when the program has
//! ended *and* its output is closed, by all who hold it; what it leaves behind in the background, with its output
//! elsewhere, lives on.
//!
//! The processes of an engine that is killed itself live on, too, and the next attempt runs the program again: hand it
//! [`io.key()`](crate::Io::key) if it must not act twice.
// What must always hold: no program runs that is not on the list; nothing of the engine's environment reaches one.

mod error;
mod group;
mod request;
mod response;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

pub use error::ProcessError;
use group::Group;
pub use request::ProcessRequest;
pub use response::ProcessResponse;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};

use super::content::Content;
use super::withheld::Withheld;
use super::{CALL_TIMEOUT, Call, Transport};

/// The most bytes that a program may print to one of its two streams, unless told otherwise.
const MAX_OUTPUT: usize = 1 << 20;

/// Runs programs from a list: a [`Transport`]. Works on tokio runtimes with IO enabled, of one thread, too.
#[derive(Clone)]
pub struct Processes {
    programs: BTreeMap<String, PathBuf>,
    env: BTreeMap<String, String>,
    dir: Option<PathBuf>,
    max_output: usize,
    timeout: Duration,
}

impl Default for Processes {
    fn default() -> Self {
        Processes::new()
    }
}

impl Processes {
    /// One that runs no program yet.
    #[must_use]
    pub fn new() -> Self {
        Processes {
            programs: BTreeMap::new(),
            env: BTreeMap::new(),
            dir: None,
            max_output: MAX_OUTPUT,
            timeout: CALL_TIMEOUT,
        }
    }

    /// Allows a program: what requests call it, and the whole path of its file.
    #[must_use]
    pub fn allow(mut self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.programs.insert(name.into(), path.into());
        self
    }

    /// Sets a variable of every program's environment, which is empty otherwise. Never recorded.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// The directory that programs start in; the engine's own unless told otherwise.
    #[must_use]
    pub fn dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.dir = Some(path.into());
        self
    }

    /// The most bytes that a program may print to its standard output, and to its standard error: 1 MiB each unless
    /// told otherwise. One that prints more is killed.
    #[must_use]
    pub fn max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// How long a program may run: a minute unless told otherwise. A call may set its own
    /// ([`Calling::timeout`](crate::Calling::timeout)).
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    fn path(&self, program: &str) -> Result<&Path, ProcessError> {
        match self.programs.get(program) {
            None => Err(ProcessError::NotAllowed { program: program.to_owned() }),
            Some(path) if !path.is_absolute() => Err(ProcessError::RelativePath { program: program.to_owned() }),
            Some(path) => Ok(path),
        }
    }

    fn start(&self, request: &ProcessRequest) -> Result<Group, ProcessError> {
        let mut command = Command::new(self.path(&request.program)?);
        command.args(&request.args).env_clear().envs(&self.env).envs(&request.env).envs(&request.secret_env);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        let stdin = if request.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = request.program.clone();
        Group::start(&mut command).map_err(|source| ProcessError::Start { program, source })
    }

    /// All that is printed, until nobody holds the stream any more.
    async fn read(
        &self,
        program: &str,
        stream: &'static str,
        pipe: Option<impl AsyncRead + Unpin>,
    ) -> Result<Vec<u8>, ProcessError> {
        let (mut bytes, limit) = (Vec::new(), self.max_output);
        if let Some(pipe) = pipe {
            // One byte more tells that there is more.
            let read = pipe.take((limit as u64).saturating_add(1)).read_to_end(&mut bytes).await;
            read.map_err(|source| ProcessError::Pipe { program: program.to_owned(), stream, source })?;
        }
        match bytes.len() > limit {
            true => Err(ProcessError::TooMuchOutput { program: program.to_owned(), stream, limit }),
            false => Ok(bytes),
        }
    }
}

/// Gives a program what it is to read. One that does not read all of it has what it wants.
async fn feed(pipe: Option<ChildStdin>, bytes: &[u8]) -> io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    match pipe.write_all(bytes).await {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

impl Transport for Processes {
    const NAMESPACE: &'static str = "process";
    type Request = ProcessRequest;
    type Response = ProcessResponse;
    type Error = ProcessError;

    async fn call(&self, request: &ProcessRequest, call: &Call) -> Result<ProcessResponse, ProcessError> {
        let program = &request.program;
        let pipe = |stream| move |source| ProcessError::Pipe { program: program.clone(), stream, source };
        let mut group = self.start(request)?;
        let (stdin, stdout, stderr) =
            (group.program.stdin.take(), group.program.stdout.take(), group.program.stderr.take());
        let given = request.stdin.as_deref().unwrap_or_default();
        // Whichever fails first ends the others, and the group with them.
        let ((), stdout, stderr) = tokio::try_join!(
            async { feed(stdin, given).await.map_err(pipe("stdin")) },
            self.read(program, "stdout", stdout),
            self.read(program, "stderr", stderr),
        )?;
        // It is waited for last: so long, its number is nobody else's.
        let status = group.ended().await.map_err(pipe("the end"))?;
        let Some(code) = status.code() else {
            let signal = status.signal().unwrap_or_default();
            return Err(ProcessError::Killed { program: program.clone(), signal });
        };
        let stored = |source| ProcessError::Storage { program: program.clone(), source };
        let stdout = Content::put(stdout, call).await.map_err(stored)?;
        let stderr = Content::put(stderr, call).await.map_err(stored)?;
        Ok(ProcessResponse { code, stdout, stderr })
    }

    fn is_unknown(error: &ProcessError) -> bool {
        error.is_unknown()
    }

    fn withheld(&self, request: &ProcessRequest) -> Vec<u8> {
        let mut all = Withheld::default();
        for path in [self.programs.get(&request.program), self.dir.as_ref()] {
            let path = path.map(|path| path.as_os_str().as_encoded_bytes());
            all.part(path.unwrap_or_default());
        }
        for (of, env) in [("transport", &self.env), ("secret", &request.secret_env)] {
            for (name, value) in env {
                all.part(of).part(name).part(value);
            }
        }
        all.bytes()
    }

    fn timeout(&self, _: &ProcessRequest) -> Option<Duration> {
        Some(self.timeout)
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes").field("programs", &self.programs).finish_non_exhaustive()
    }
}
