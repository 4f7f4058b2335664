//! One step's world (floor 5).
//!
//! Owns [`Io`], which a step's body gets as its first parameter: the
//! idempotency key, the attempt, the run, the engine's app, and the facts: what
//! a closure made ([`fact`]), what a [`Transport`] answered ([`call`]), the clock and
//! chance ([`draw`]). A fact's way is [`ask`]; whoever keeps the records is behind
//! [`records`]. Transports that come with the crate, each behind a feature, are in `http`, `process` and `file`.
//! What must always hold: everything here is the same in every
//! attempt of one step in one run, but for the attempt's own number; a body is
//! given a fact when it is bound, and what is bound is never made again.

mod ask;
#[cfg(any(feature = "http", feature = "process"))]
mod asked;
mod call;
mod caught;
mod chance;
#[cfg(any(feature = "file", feature = "http", feature = "process"))]
mod content;
mod draw;
mod fact;
#[cfg(feature = "file")]
pub mod file;
mod given;
#[cfg(feature = "http")]
pub mod http;
mod key;
#[cfg(feature = "process")]
pub mod process;
mod records;
mod redact;
mod secret;
mod shelf;
mod transport;
#[cfg(any(feature = "http", feature = "process"))]
mod withheld;

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

pub use call::{CallError, CallFailure, Calling};
pub(crate) use caught::{Caught, caught, panic_text};
pub use chance::Random;
pub use fact::{FactError, FromFactError};
use given::AllGiven;
pub use key::IdempotencyKey;
pub(crate) use records::{Ask, Chosen, Ended, Records};
pub use redact::{PatternError, Redaction};
pub use secret::{MIN_SECRET, Secret, SecretValue};
pub(crate) use shelf::{Memory, Shelf};
pub(crate) use transport::Transports;
pub use transport::{CALL_TIMEOUT, Call, NoTransport, Transport};

use crate::codec::{ArtifactId, Blob};
use crate::id::RunId;
use crate::storage::StorageError;

/// The app of an engine, saga or step that names none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoApp;

/// The most bytes that a fact's name may have.
pub const MAX_FACT_NAME: usize = 256;

/// The engine's app as one run has it. Runs clone an `Arc` of their own: all would count in the engine's at once.
#[derive(Debug)]
pub(crate) struct Lent<App>(pub(crate) Arc<App>);

/// What a step's attempt knows of itself.
#[doc(hidden)]
#[derive(Debug)]
#[expect(private_interfaces, reason = "nobody outside can name it but as it is")]
pub struct IoCore<R: ?Sized = dyn Records> {
    attempt: u32,
    /// Made when it is asked for.
    key: OnceLock<IdempotencyKey>,
    /// The facts that this attempt has been given.
    given: Mutex<AllGiven>,
    /// Nobody knows what a call of this attempt has done.
    unknown: AtomicBool,
    /// How many calls are under way.
    calling: AtomicU32,
    pub(crate) records: R,
}

#[expect(private_bounds, reason = "nobody outside can make one")]
impl<R: Records + 'static> IoCore<R> {
    pub(crate) fn new(records: R, attempt: u32) -> Arc<IoCore<R>> {
        let (given, unknown, calling) = (Mutex::default(), AtomicBool::new(false), AtomicU32::new(0));
        Arc::new(IoCore { attempt, key: OnceLock::new(), given, unknown, calling, records })
    }
}

impl IoCore {
    /// What is hidden in errors and requests.
    pub(crate) fn redaction(&self) -> &Redaction {
        self.records.redaction()
    }

    fn key(&self) -> &IdempotencyKey {
        self.key.get_or_init(|| self.records.key())
    }
}

impl<R: ?Sized> IoCore<R> {
    /// Whether nobody knows what a call of this attempt has done, or is doing.
    pub(crate) fn is_unknown(&self) -> bool {
        self.unknown.load(Ordering::Acquire) || self.calling.load(Ordering::Acquire) > 0
    }
}

/// A step's window to the world, for one attempt.
///
/// A step gets it by naming it as its first parameter: `io: &mut Io`, or
/// `io: &mut Io<Shop>` for the app that the engine was built with.
pub struct Io<App = NoApp> {
    core: Arc<IoCore>,
    app: Arc<Lent<App>>,
}

impl<App> Io<App> {
    pub(crate) fn new(core: Arc<IoCore>, app: Arc<Lent<App>>) -> Self {
        Io { core, app }
    }

    #[doc(hidden)]
    #[must_use]
    pub fn without_app(&self) -> Io<NoApp> {
        Io { core: self.core.clone(), app: Arc::new(Lent(Arc::new(NoApp))) }
    }

    /// The idempotency key of this step in this run: the same on every attempt,
    /// after every crash, and in no other step, run or engine. Send it along
    /// with whatever must happen once.
    #[must_use]
    pub fn key(&self) -> &IdempotencyKey {
        self.core.key()
    }

    /// Which attempt this is, from 1. An attempt that a crash cut short counts
    /// here too: a body that sees 1 has never run before.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.core.attempt
    }

    /// The id of the run that this step belongs to.
    #[must_use]
    pub fn run_id(&self) -> &RunId {
        self.core.records.run_id()
    }

    /// Puts bytes into the arena: large or binary output that would be slow as
    /// JSON. What a step returns then holds the [`Blob`], in its place a few
    /// bytes are recorded. The bytes are durable when this returns, written
    /// once, and read in place later; they are kept while the run is known.
    ///
    /// Bytes that no recorded value names are given back when the last handle
    /// is dropped: those of an attempt that failed, too.
    ///
    /// # Errors
    /// [`StorageError::BlobTooLarge`] above 1 GiB, [`StorageError::Io`] (a full disk among others), [`StorageError::Closed`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing but the bytes' space for a while.
    pub async fn put(&self, bytes: impl Into<Vec<u8>>) -> Result<Blob, StorageError> {
        let bytes: Vec<u8> = bytes.into();
        self.core.records.shelf().put(bytes).await
    }

    /// Puts bytes into the arena under the name of their content. The same
    /// bytes, put by whatever run, stand there once. They are durable when this
    /// returns, and kept while a run that has put them is known.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    ///
    /// # Cancel safety
    /// As [`put`](Self::put).
    pub async fn put_artifact(&self, bytes: impl Into<Vec<u8>>) -> Result<ArtifactId, StorageError> {
        let bytes: Vec<u8> = bytes.into();
        let (digest, blob) = self.core.records.shelf().put_content(bytes).await?;
        let artifact = ArtifactId(digest);
        self.core.records.artifact(artifact, blob)?;
        Ok(artifact)
    }

    /// An artifact's bytes, in place; that they have this name is checked the
    /// first time in a process.
    ///
    /// # Errors
    /// [`StorageError::MissingContent`] when no run that is known has put it, damage, and IO.
    pub fn artifact(&self, artifact: &ArtifactId) -> Result<Blob, StorageError> {
        self.core.records.shelf().content(artifact)
    }

    /// The engine's transport of a type ([`Builder::transport`](crate::Builder::transport)).
    ///
    /// # Errors
    /// When it has none.
    pub fn transport<T: Transport>(&self) -> Result<&T, NoTransport> {
        self.core.records.transports().get()
    }

    /// The app that the engine was built with ([`Builder::app`](crate::Builder::app)).
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app.0
    }
}

impl<App> fmt::Debug for Io<App> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("core", &self.core).finish_non_exhaustive()
    }
}

/// Tells the app of an [`Io`] behind an alias. Implemented for `Io` alone.
#[diagnostic::on_unimplemented(
    message = "the `io` parameter of a step is a `&mut Io` or `&mut Io<App>`",
    label = "this is not an `Io`"
)]
pub trait IoType {
    /// The app.
    type App: Send + Sync + 'static;
}

impl<App: Send + Sync + 'static> IoType for Io<App> {
    type App = App;
}

/// The engine's app as an `App`, where it is one. Every engine has a [`NoApp`].
pub(crate) fn find_app<App: Send + Sync + 'static>(app: Arc<dyn Any + Send + Sync>) -> Option<Arc<App>> {
    if TypeId::of::<App>() == TypeId::of::<NoApp>() {
        let none: Arc<dyn Any + Send + Sync> = Arc::new(NoApp);
        return none.downcast().ok();
    }
    app.downcast().ok()
}
