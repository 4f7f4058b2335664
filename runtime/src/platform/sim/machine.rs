//! A simulated machine: all doors, one thread, one seed.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use super::doors::{SimClock, SimEntropy, SimExec};
use super::schedule::{Next, Schedule};
use super::{Dice, Disk, Loss};
use crate::platform::{BoxFuture, Clock, Exec, Platform};
use crate::time::Timestamp;

/// How much simulated time one run may take, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(400 * 24 * 3600);

/// A simulated machine with a disk, a clock, tasks and chance, all on the calling thread and all from one seed: the
/// same seed and the same code do the same things in the same order.
///
/// Which task goes on next is drawn from the seed. The clock stands still while anybody has something to do, and then
/// jumps to the next moment at which somebody wakes. The code under test must not block, and must reach clock, chance
/// and tasks through the engine alone. Cheap to clone; all clones are one machine.
#[derive(Debug, Clone)]
pub struct Sim {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    disk: Disk,
    schedule: Arc<Schedule>,
    entropy: Arc<Mutex<Dice>>,
    /// For what is lost.
    dice: Mutex<Dice>,
    patience: Mutex<Duration>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Tasks hold the schedule that holds them.
        self.schedule.end_process();
    }
}

impl Sim {
    /// A machine with an empty disk, whose sectors have 512 or 4096 bytes as the seed decides.
    #[must_use]
    pub fn new(seed: u64) -> Sim {
        let mut dice = Dice(seed);
        let disk = Disk::new(dice.draw());
        disk.set_sector(if dice.coin() { 512 } else { 4096 });
        Sim::with_disk(dice.draw(), disk)
    }

    /// A machine on a disk that is there already, such as a [fork](Disk::fork) of another's.
    #[must_use]
    pub fn with_disk(seed: u64, disk: Disk) -> Sim {
        let mut dice = Dice(seed);
        let inner = Inner {
            disk,
            schedule: Arc::new(Schedule::new(dice.draw())),
            entropy: Arc::new(Mutex::new(Dice(dice.draw()))),
            dice: Mutex::new(dice),
            patience: Mutex::new(PATIENCE),
        };
        Sim { inner: Arc::new(inner) }
    }

    /// The machine's doors, for the process that runs now.
    pub(crate) fn platform(&self) -> Platform {
        let Inner { disk, schedule, entropy, .. } = &*self.inner;
        Platform {
            fs: Arc::new(disk.process()),
            clock: Arc::new(SimClock(schedule.clone())),
            entropy: Arc::new(SimEntropy(entropy.clone())),
            exec: Arc::new(self.exec()),
        }
    }

    fn exec(&self) -> SimExec {
        let schedule = self.inner.schedule.clone();
        SimExec { process: schedule.process(), schedule }
    }

    /// The disk: its faults, counters and bytes.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.inner.disk
    }

    /// Runs a future, and all tasks with it, until it has ended. Tasks that have not ended go on with the next run.
    ///
    /// # Panics
    /// When nothing can go on any more; when more simulated time goes by than the machine's
    /// [patience](Sim::set_patience); when the machine goes down ([`Disk::crash_at`]), which
    /// [`run_until_down`](Sim::run_until_down) expects; and with whatever a task panics.
    pub fn run<T>(&self, main: impl Future<Output = T>) -> T {
        match self.run_until_down(main) {
            Some(value) => value,
            None => {
                let at = self.inner.disk.down_at().map(|op| op.to_string()).unwrap_or_default();
                panic!("the machine went down at: {at}")
            }
        }
    }

    /// As [`run`](Sim::run), but stops where it stands when the machine goes down, and gives nothing.
    ///
    /// What is being polled when the machine goes down sees the errors of its disk until that poll ends, so it must
    /// not panic on them; what it returns in that poll is dropped.
    ///
    /// # Panics
    /// As [`run`](Sim::run).
    pub fn run_until_down<T>(&self, main: impl Future<Output = T>) -> Option<T> {
        let Inner { disk, schedule, .. } = &*self.inner;
        let mut main = pin!(main);
        let begun = schedule.elapsed();
        let patience = *self.inner.patience.lock().unwrap_or_else(PoisonError::into_inner);
        schedule.wake_main();
        while disk.down_at().is_none() {
            match schedule.next() {
                Next::Main(waker) => {
                    if let Poll::Ready(value) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
                        // What it learnt from a machine that is down, nobody learns.
                        return if disk.down_at().is_none() { Some(value) } else { None };
                    }
                }
                Next::Task(id, mut task, waker) => match task.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(()) => schedule.ended(id),
                    Poll::Pending => schedule.give_back(id, task),
                },
                Next::Drop(task) => drop(task),
                Next::Idle => {
                    if !schedule.advance() && !schedule.wait_outside() {
                        panic!("deadlock: nothing is ready and nobody sleeps; there are {}", schedule.census());
                    }
                    let waited = schedule.elapsed().saturating_sub(begun);
                    assert!(
                        waited <= patience,
                        "nothing has come of it in {waited:?} of simulated time; there are {}",
                        schedule.census()
                    );
                }
            }
        }
        None
    }

    /// Starts a task beside whatever runs. It ends with the process at the latest.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Whoever wants to end it early lets it wait for that.
        let _handle = self.exec().spawn(Box::pin(task));
    }

    // Time.

    /// What the wall clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.schedule.wall()
    }

    /// How much time has gone by since the machine was made, whatever the wall clock did.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.inner.schedule.elapsed()
    }

    /// Completes after so much time.
    pub fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
        SimClock(self.inner.schedule.clone()).sleep(d)
    }

    /// The wall clock is set forward. No time goes by.
    pub fn jump(&self, by: Duration) {
        self.inner.schedule.jump(nanos(by));
    }

    /// The wall clock is set back.
    pub fn jump_back(&self, by: Duration) {
        self.inner.schedule.jump(-nanos(by));
    }

    /// How much simulated time one [`run`](Sim::run) may take: 400 days unless told otherwise. An engine that waits
    /// for ever looks at its clock for ever.
    pub fn set_patience(&self, patience: Duration) {
        *self.inner.patience.lock().unwrap_or_else(PoisonError::into_inner) = patience;
    }

    // The end of a process.

    /// The process is killed: all its tasks are dropped, what they had open is gone, what they wrote is still there.
    pub fn kill(&self) {
        // First the disk: what is done while the tasks are dropped was not done.
        self.inner.disk.kill();
        self.inner.schedule.end_process();
    }

    /// The power fails: as [`kill`](Sim::kill), and what was not synced is lost or not.
    pub fn crash(&self, loss: Loss) {
        self.kill();
        let mut dice = self.inner.dice.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.disk.power_loss(&mut dice, loss);
    }
}

fn nanos(d: Duration) -> i64 {
    i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)
}
