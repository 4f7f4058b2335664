//! What the tests' steps act on, and the engines that they run on.

use std::path::Path;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use factum::prelude::*;
use factum::{Builder, Error, StorageError};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};

/// The outside world: it remembers what was done to it, across engines.
#[derive(Clone)]
pub struct World {
    done: Arc<watch::Sender<Vec<String>>>,
    /// A step that wants to go on needs a permit.
    pub gate: Arc<Semaphore>,
    failures: Arc<Mutex<Vec<String>>>,
}

/// How long all tests together may take: seconds, if nothing waits for ever.
const PATIENCE: Duration = Duration::from_secs(300);

/// A test that waits for what never comes fails, with its name, instead of hanging.
fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        std::thread::spawn(|| {
            std::thread::sleep(PATIENCE);
            eprintln!("the tests still run after {PATIENCE:?}: one of those not reported above waits for ever");
            std::process::exit(101);
        });
    });
}

impl World {
    pub fn new() -> Self {
        watch();
        let gate = Arc::new(Semaphore::new(0));
        World { done: Arc::new(watch::Sender::new(Vec::new())), gate, failures: Arc::default() }
    }

    /// Something is done to the world.
    pub fn act(&self, what: impl Into<String>) {
        let what = what.into();
        self.done.send_modify(|done| done.push(what));
    }

    /// Everything that was done, in order.
    pub fn done(&self) -> Vec<String> {
        self.done.borrow().clone()
    }

    pub fn count(&self, what: &str) -> usize {
        self.done().iter().filter(|done| *done == what).count()
    }

    /// Completes when something has been done `n` times.
    pub async fn happened(&self, what: &str, n: usize) {
        let mut done = self.done.subscribe();
        done.wait_for(|done| done.iter().filter(|d| *d == what).count() >= n).await.unwrap();
    }

    /// The next time that something asks whether `what` fails, it does.
    pub fn fail_next(&self, what: &str) {
        self.failures.lock().unwrap().push(what.to_owned());
    }

    pub fn fails(&self, what: &str) -> bool {
        let mut failures = self.failures.lock().unwrap();
        match failures.iter().position(|f| f == what) {
            Some(i) => {
                failures.remove(i);
                true
            }
            None => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Oops {
    #[error("{0}")]
    Failed(String),
    #[error("timed out")]
    TimedOut,
    #[error("later")]
    Later,
}

impl Oops {
    pub fn is_later(&self) -> bool {
        *self == Oops::Later
    }
}

impl From<TimedOut> for Oops {
    fn from(_: TimedOut) -> Self {
        Oops::TimedOut
    }
}

/// An engine's builder on a directory, with small segments.
pub fn builder(dir: &Path, world: &World) -> Builder<World> {
    Engine::builder(dir).segment_bytes(256 << 10).app(world.clone())
}

/// Opens as soon as the engine that was dropped before has let go of the directory.
pub async fn open(builder: impl Fn() -> Builder<World>) -> Engine {
    loop {
        match builder().open().await {
            Ok(engine) => return engine,
            Err(Error::Storage(StorageError::DirectoryInUse { .. })) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The names of a run's events, in order.
pub async fn events(engine: &Engine, id: &str) -> Vec<&'static str> {
    engine.history(id).await.unwrap().iter().map(|entry| entry.event.name()).collect()
}
