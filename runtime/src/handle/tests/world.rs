//! A shop whose every act is noted, and a disk below its engine.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::engine::{Error, Result};
use crate::handle::Builder;
use crate::platform::sim::Disk;
use crate::platform::{Platform, real};
use crate::step::TimedOut;
use crate::storage::StorageError;
use factum::prelude::*;

/// One act on the world: a step's body that ran.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Act {
    pub(super) run: String,
    pub(super) what: String,
    pub(super) key: String,
}

impl Act {
    pub(super) fn is_undo(&self) -> bool {
        self.what.starts_with("undo ")
    }
}

/// The world outside: it forgets nothing. All clones are one world.
#[derive(Debug, Clone, Default)]
pub(super) struct World(Arc<Mutex<Vec<Act>>>);

impl World {
    pub(super) fn acts(&self) -> Vec<Act> {
        self.0.lock().unwrap().clone()
    }

    /// Another world in which the same was done so far.
    pub(super) fn fork(&self) -> World {
        World(Arc::new(Mutex::new(self.acts())))
    }

    fn act(&self, io: &Io<World>, what: &str) {
        let act = Act { run: io.run_id().to_string(), what: what.to_owned(), key: io.key().to_string() };
        self.0.lock().unwrap().push(act);
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Oops {
    Flaky,
    Refused,
}

impl From<TimedOut> for Oops {
    fn from(_: TimedOut) -> Self {
        Oops::Flaky
    }
}

#[step(compensate = undo(&format!("{output}")), unknown = undo(&name))]
async fn do_it(io: &mut Io<World>, name: String) -> Result<String, Oops> {
    io.app().act(io, &name);
    Ok(name)
}

/// Fails at its first attempt in each process.
#[step(retry(attempts = 9, initial = "1ms"), compensate = undo(&name))]
async fn flaky(io: &mut Io<World>, name: String) -> Result<(), Oops> {
    io.app().act(io, &name);
    if io.attempt() % 2 == 1 { Err(Oops::Flaky) } else { Ok(()) }
}

#[step]
async fn undo(io: &mut Io<World>, name: &str) {
    io.app().act(io, &format!("undo {name}"));
}

#[step]
async fn end(io: &mut Io<World>, well: bool) -> Result<u32, Oops> {
    io.app().act(io, "end");
    if well { Ok(7) } else { Err(Oops::Refused) }
}

#[saga(app = World)]
async fn part(name: &str) -> Result<(), Oops> {
    do_it(format!("{name} 1")).await?;
    do_it(format!("{name} 2")).await?;
    Ok(())
}

#[signal]
#[derive(Serialize, Deserialize)]
pub(super) struct Go {}

/// Steps, a nested saga, retries, a timer and a signal; `well` says how it ends.
#[saga(app = World)]
pub(super) async fn whole(well: bool) -> Result<u32, Oops> {
    do_it("first".to_owned()).await?;
    part("part").await?;
    flaky("flaky".to_owned()).await?;
    sleep(millis(1)).await;
    signal::<Go>().await;
    do_it("last".to_owned()).await?;
    end(well).await
}

pub(super) const DIR: &str = "/data";

/// An engine that is about to be opened on a simulated machine.
pub(super) fn builder(world: &World) -> Builder<World> {
    Engine::builder(DIR).segment_bytes(64 << 10).app(world.clone()).saga(whole)
}

/// A simulated disk below an engine on real threads.
pub(super) struct Bench {
    pub(super) fs: Disk,
    pub(super) platform: Platform,
    pub(super) world: World,
}

impl Bench {
    pub(super) fn new() -> Bench {
        let fs = Disk::new(1);
        let mut platform = real::platform().unwrap();
        platform.fs = Arc::new(fs.clone());
        Bench { fs, platform, world: World::default() }
    }

    /// Opens an engine, as soon as the one before has let go of the directory.
    pub(super) async fn open(&self) -> Result<Engine> {
        loop {
            match builder(&self.world).open_on(self.platform.clone()).await {
                Err(Error::Storage(StorageError::DirectoryInUse { .. })) => tokio::task::yield_now().await,
                other => return other,
            }
        }
    }
}
