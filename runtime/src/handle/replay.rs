//! A recorded run is replayed, from an engine's history or from an export, and a whole directory before it is opened.

use std::fmt;
use std::future::IntoFuture;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use super::{Builder, Engine};
use crate::engine::{self, Bodies, Code, Records, ReplayError, ReplayReport, Replayed, Result, RunHistory};
use crate::platform::{BoxFuture, File, Open, real};
use crate::step::{StepFn, StepSig};

/// A replay that has not begun: [`Engine::replay`], [`Builder::replay`], [`Builder::replay_file`].
///
/// Awaited, it runs the bodies of the run's workflow, and of the sagas inside it, over what is recorded: what they await
/// is answered from the records, and nothing is done. Steps give what they gave, and their bodies are not run unless that
/// is asked for, with [`step`](Self::step), [`steps`](Self::steps) or [`all_steps`](Self::all_steps). Everything runs in
/// the task that awaits this, so that breakpoints stop it; what the bodies say with `tracing` is heard, in a span `replay`.
///
/// A turn or a state whose records are gone is left out, and so are branches that have lost, and undos.
///
/// # Errors
/// [`ReplayError`] tells where the code does not fit what is recorded.
#[must_use = "nothing is replayed unless this is awaited: add `.await`"]
pub struct ReplayRequest {
    records: std::result::Result<Records, ReplayError>,
    code: Result<Code>,
    bodies: Bodies,
}

impl ReplayRequest {
    /// Runs the body of this step too, by its function: `.step(charge)`.
    ///
    /// Its `io` gives it the facts that are recorded, and what it gives is compared with what it gave. A call whose fact is
    /// missing is an error that names it, and nobody is called; unless the step had failed: then its body has come to where
    /// it failed, which [`Replayed::unfinished`] tells. What it puts ([`Io::put`](crate::Io::put)) goes into memory.
    /// Whatever else the body does to the world, past its `io`, it does again.
    ///
    /// Of a step with several attempts the last one is run: it has the facts that all of them have bound. The step's
    /// `timeout` does not cut it short.
    pub fn step<Shape, F: StepFn<Shape>>(self, function: F) -> Self {
        let _ = function;
        self.steps([F::Step::META.name])
    }

    /// Runs the bodies of the steps of these names too, as [`step`](Self::step) does.
    pub fn steps<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.bodies.names.extend(names.into_iter().map(Into::into));
        self
    }

    /// Runs the bodies of all steps too, as [`step`](Self::step) does.
    pub fn all_steps(mut self) -> Self {
        self.bodies.all = true;
        self
    }
}

impl IntoFuture for ReplayRequest {
    type Output = std::result::Result<Replayed, ReplayError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (records, code) = (self.records?, self.code?);
            engine::replay(&records, &code, self.bodies).await
        })
    }
}

impl fmt::Debug for ReplayRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayRequest").field("bodies", &self.bodies).finish_non_exhaustive()
    }
}

impl Engine {
    /// Runs the body of a recorded run once more over what it has recorded, and does nothing of it:
    /// `engine.replay(&engine.history("order-42").await?).await?`. The run itself goes on, or has ended, as it was.
    ///
    /// With the code that made the records this tells how far the run has come; with other code, where it does not fit.
    pub fn replay(&self, history: &RunHistory) -> ReplayRequest {
        ReplayRequest {
            records: Ok(engine::of_history(history)),
            code: Ok(Code::of(self.core())),
            bodies: Bodies::default(),
        }
    }
}

impl<App: Send + Sync + 'static> Builder<App> {
    /// Replays an exported run ([`Engine::export`]) with this builder's workflows, transports and app, without an engine:
    /// no directory is opened or looked at, and none needs to be there.
    ///
    /// ```
    /// # use factum::prelude::*;
    /// # #[step] async fn greet(name: String) -> String { format!("hello, {name}") }
    /// # #[saga] async fn welcome(name: String) -> String { greet(name).await }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let engine = Engine::builder(dir.path()).saga(welcome).open().await?;
    /// # engine.run(welcome("Ann".into())).id("visitor-1").await?;
    /// # let mut lines = Vec::new();
    /// # engine.export("visitor-1", &mut lines).await?;
    /// # engine.shutdown().await?;
    /// let replayed = Engine::builder("").saga(welcome).replay(&lines[..]).all_steps().await?;
    /// assert_eq!(replayed.id, "visitor-1");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Reads `reader` to its end at once.
    pub fn replay(self, reader: impl BufRead) -> ReplayRequest {
        let (code, ..) = self.into_code();
        ReplayRequest { records: engine::of_export(reader), code, bodies: Bodies::default() }
    }

    /// As [`replay`](Self::replay), from a file. A `main` to step through under a debugger, `cargo run -- run.jsonl`:
    ///
    /// ```no_run
    /// # use factum::prelude::*;
    /// # #[step] async fn greet(name: String) -> String { format!("hello, {name}") }
    /// # #[saga] async fn welcome(name: String) -> String { greet(name).await }
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let file = std::env::args().nth(1).ok_or("which file?")?;
    ///     println!("{:#?}", Engine::builder("").saga(welcome).replay_file(file).all_steps().await?);
    ///     Ok(())
    /// }
    /// ```
    pub fn replay_file(self, path: impl AsRef<Path>) -> ReplayRequest {
        let (code, _, platform) = self.into_code();
        let fs = platform.map_or_else(real::fs, |platform| platform.fs);
        let file = path.as_ref();
        let unread = |error: io::Error| ReplayError::NoFile { file: file.to_owned(), source: Arc::new(error) };
        let file = fs.open(file, Open::Read).map_err(unread);
        let records = file.and_then(|file| engine::of_export(BufReader::new(Reader { file, offset: 0 })));
        ReplayRequest { records, code, bodies: Bodies::default() }
    }

    /// Replays every run in flight of a data directory with this builder's workflows, instead of opening it: before a
    /// deployment, this tells which runs would diverge: their bodies are replayed as an engine does when it opens the
    /// directory, and to the same verdict in the same words. Bodies of steps are not run: the runs in the middle of a step that
    /// has bound facts are told ([`ReplayReport::in_step`]). It changes nothing, but that a directory without a file `LOCK` gets one.
    ///
    /// A run that is stuck, diverged or poisoned is replayed as [`Engine::retry`] would have it go on. What the bodies say
    /// with `tracing` is not heard. The calling task is blocked.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage) as for [`factum::verify`](crate::verify()), and when the directory is
    /// damaged: [`verify`](Self::verify) tells of all that is.
    pub async fn verify_replay(self) -> Result<ReplayReport> {
        let (code, options, platform) = self.into_code();
        let (fs, entropy) = match platform {
            Some(platform) => (platform.fs, platform.entropy),
            None => (real::fs(), real::entropy()),
        };
        let keys = options.keys.as_ref();
        engine::verify_replay(fs, entropy, &options.dir, options.store, keys, &code?).await
    }
}

/// A file from its beginning.
struct Reader {
    file: Arc<dyn File>,
    offset: u64,
}

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buf, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
