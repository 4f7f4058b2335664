//! Where a scenario runs: a directory of the real disk under tokio, or a simulated machine.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use factum::testing::{Dice, Kind, Loss, Op, Sim};
use factum::{Builder, Engine, Error, Outcome, Result, SagaFn, StorageError};

use crate::world::World;

/// How long a scenario on the real disk may take: seconds, if nothing waits for ever.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same by a simulated clock.
const SIM_PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The two kinds of machines.
#[derive(Debug, Clone, Copy)]
pub enum Made {
    Real,
    Simulated,
}

impl Made {
    /// On a simulated machine chance decides much: several are tried.
    pub fn seeds(self) -> u64 {
        match self {
            Made::Real => 1,
            Made::Simulated => 5,
        }
    }

    /// The moments at which [`Machine::run_until_crash`] ends a process in a sweep.
    pub fn moments(self) -> Vec<u64> {
        match self {
            Made::Real => (0..30).map(|n| n * n / 3).collect(),
            Made::Simulated => (0..400).collect(),
        }
    }
}

enum Place {
    Real { dir: tempfile::TempDir, runtime: Box<tokio::runtime::Runtime>, opened: tokio::sync::Notify },
    Simulated { sim: Sim, dice: Mutex<Dice> },
}

/// One machine, and the world that its steps act on; both outlive its processes.
pub struct Machine {
    place: Place,
    pub world: World,
}

impl Machine {
    pub fn new(made: Made, seed: u64) -> Machine {
        let place = match made {
            Made::Real => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let opened = tokio::sync::Notify::new();
                Place::Real { dir: tempfile::tempdir().unwrap(), runtime: Box::new(runtime), opened }
            }
            Made::Simulated => {
                let sim = Sim::new(seed);
                sim.set_patience(SIM_PATIENCE);
                Place::Simulated { sim, dice: Mutex::new(Dice(seed)) }
            }
        };
        Machine { place, world: World::new() }
    }

    /// Runs a scenario to its end.
    pub fn run<T>(&self, scenario: impl Future<Output = T>) -> T {
        match &self.place {
            Place::Real { runtime, .. } => runtime.block_on(async {
                match tokio::time::timeout(PATIENCE, scenario).await {
                    Ok(value) => value,
                    Err(_) => panic!("it waits for what never comes; until now: {:?}", self.world.done()),
                }
            }),
            Place::Simulated { sim, .. } => sim.run(scenario),
        }
    }

    /// Runs until a process is ended at a moment: at the disk's `moment`th operation where that is simulated. On
    /// the real one, when everybody has had so many turns since it opened its engine. What it gave if it ended before.
    pub fn run_until_crash<T>(&self, moment: u64, work: impl Future<Output = T>) -> Option<T> {
        match &self.place {
            Place::Real { runtime, opened, .. } => runtime.block_on(async {
                let end = async {
                    opened.notified().await;
                    for _ in 0..moment {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::select! {
                    done = work => Some(done),
                    () = end => None,
                }
            }),
            Place::Simulated { sim, .. } => {
                sim.disk().crash_at(moment);
                let done = sim.run_until_down(work);
                self.end_process();
                // What was not reached is not to come later.
                sim.disk().crash_at(u64::MAX);
                done
            }
        }
    }

    /// An engine's builder on the machine's directory, with small segments.
    pub fn builder(&self) -> Builder<World> {
        let on = |dir: &Path| Engine::builder(dir).segment_bytes(256 << 10).app(self.world.clone());
        match &self.place {
            Place::Real { dir, .. } => on(dir.path()),
            Place::Simulated { sim, .. } => on(Path::new("/data")).sim(sim),
        }
    }

    /// Opens an engine as soon as the one before has let go of the directory.
    pub async fn open(&self, with: impl Fn(Builder<World>) -> Builder<World>) -> Engine {
        self.try_open(with).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`open`](Self::open), for a directory that is not as it should be.
    pub async fn try_open(&self, with: impl Fn(Builder<World>) -> Builder<World>) -> Result<Engine> {
        loop {
            match with(self.builder()).open().await {
                Err(Error::Storage(StorageError::DirectoryInUse { .. })) => self.rest().await,
                done => {
                    if let Place::Real { opened, .. } = &self.place {
                        opened.notify_one();
                    }
                    return done;
                }
            }
        }
    }

    /// The process ends at once. On a simulated machine it is killed, or the power fails and any of what was not synced is
    /// lost.
    pub async fn crash(&self, engine: Engine) {
        self.end_process();
        drop(engine);
    }

    fn end_process(&self) {
        let Place::Simulated { sim, dice } = &self.place else { return };
        let loss = Loss::ALL.get(dice.lock().unwrap().below(Loss::ALL.len() + 1)).copied();
        loss.map_or_else(|| sim.kill(), |loss| sim.crash(loss));
    }

    /// Lets everybody else go on.
    pub async fn rest(&self) {
        match &self.place {
            Place::Real { .. } => tokio::task::yield_now().await,
            Place::Simulated { sim, .. } => sim.sleep(Duration::from_micros(100)).await,
        }
    }

    /// Waits until something is so.
    pub async fn until(&self, is_so: impl Fn() -> bool) {
        while !is_so() {
            self.rest().await;
        }
    }

    /// Lets time go by in which nothing is to happen.
    pub async fn pass(&self, time: Duration) {
        match &self.place {
            Place::Real { .. } => tokio::time::sleep(time).await,
            Place::Simulated { sim, .. } => sim.sleep(time).await,
        }
    }

    /// How long something takes, by the machine's clock.
    pub async fn timed(&self, work: impl Future<Output = ()>) -> Duration {
        match &self.place {
            Place::Real { .. } => {
                let begun = Instant::now();
                work.await;
                begun.elapsed()
            }
            Place::Simulated { sim, .. } => {
                let begun = sim.elapsed();
                work.await;
                sim.elapsed() - begun
            }
        }
    }

    /// Sets the wall clock back, where it can be set.
    pub fn set_clock_back(&self, by: Duration) {
        if let Place::Simulated { sim, .. } = &self.place {
            sim.jump_back(by);
        }
    }

    // The disk.

    /// The files of the data directory whose names end so, in order.
    pub fn files(&self, suffix: &str) -> Vec<PathBuf> {
        let mut files = match &self.place {
            Place::Real { dir, .. } => {
                let of = |dir: &Path| std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
                of(dir.path()).chain(of(&dir.path().join("wal"))).filter(|path| path.is_file()).collect()
            }
            Place::Simulated { sim, .. } => sim.disk().raw().list(),
        };
        files.retain(|path| path.to_string_lossy().ends_with(suffix));
        files.sort();
        files
    }

    pub fn read(&self, file: &Path) -> Vec<u8> {
        match &self.place {
            Place::Real { .. } => std::fs::read(file).unwrap(),
            Place::Simulated { sim, .. } => sim.disk().raw().read(file).unwrap(),
        }
    }

    pub fn write(&self, file: &Path, bytes: Vec<u8>) {
        match &self.place {
            Place::Real { .. } => std::fs::write(file, bytes).unwrap(),
            Place::Simulated { sim, .. } => sim.disk().raw().write(file, bytes),
        }
    }

    /// What was done to the disk since this was asked last, where that can be seen.
    pub fn disk_ops(&self) -> Option<Vec<Op>> {
        match &self.place {
            Place::Real { .. } => None,
            Place::Simulated { sim, .. } => Some(sim.disk().ops()),
        }
    }

    /// Syncs of the log's files since this was asked last, where they can be seen.
    pub fn log_syncs(&self) -> Option<usize> {
        let is_sync = |op: &&Op| op.kind() == Kind::Sync && op.file().ends_with(".wal");
        Some(self.disk_ops()?.iter().filter(is_sync).count())
    }
}

/// How a run has ended.
pub async fn outcome<Shape, F: SagaFn<Shape>>(engine: &Engine, saga: F, id: &str) -> Outcome<F::Saga> {
    engine.attach(saga, id).await.unwrap().outcome().await.unwrap()
}

/// The names of a run's events, in order.
pub async fn events(engine: &Engine, id: &str) -> Vec<&'static str> {
    engine.history(id).await.unwrap().iter().map(|entry| entry.event.name()).collect()
}

/// How often a run has recorded an event of this name.
pub async fn recorded(engine: &Engine, id: &str, name: &str) -> usize {
    events(engine, id).await.into_iter().filter(|event| *event == name).count()
}
