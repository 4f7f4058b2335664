//! Doors that lead nowhere but to a disk in memory, and everybody takes turns.

use std::future::{Future, pending};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::platform::{BoxFuture, Clock, Entropy, Exec, Fs, Platform, TaskHandle, ThreadHandle, Timestamp};

/// After so many turns in which what is waited for has not come, it never does.
const PATIENCE: usize = 10_000;

/// A task, until it has ended or was aborted.
type Slot = Arc<Mutex<Option<BoxFuture<'static, ()>>>>;

/// Runs tasks and "threads" in turn, in the order in which they were started.
#[derive(Default)]
pub(super) struct Turns(Mutex<Vec<Slot>>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turns {
    /// The doors: this, a disk, a clock that stands still, and bytes that are always the same.
    pub(super) fn platform(self: &Arc<Self>, fs: Arc<dyn Fs>) -> Platform {
        Platform { fs, clock: Arc::new(Still), entropy: Arc::new(Always), exec: self.clone() }
    }

    /// Everybody's turn until `wanted` has come.
    pub(super) fn drive<T>(&self, wanted: impl Future<Output = T>) -> T {
        let (mut wanted, mut cx) = (pin!(wanted), Context::from_waker(Waker::noop()));
        for _ in 0..PATIENCE {
            if let Poll::Ready(value) = wanted.as_mut().poll(&mut cx) {
                return value;
            }
            self.turn();
        }
        panic!("somebody waits for ever");
    }

    /// One turn of everybody.
    pub(super) fn turn(&self) {
        let slots = lock(&self.0).clone();
        for slot in &slots {
            let Some(mut task) = lock(slot).take() else { continue };
            if task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                *lock(slot) = Some(task);
            }
        }
        lock(&self.0).retain(|slot| lock(slot).is_some());
    }

    /// The process dies: nobody has a turn any more.
    pub(super) fn end(&self) {
        let slots = std::mem::take(&mut *lock(&self.0));
        slots.iter().for_each(|slot| drop(lock(slot).take()));
    }
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turns")
    }
}

impl Exec for Turns {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> TaskHandle {
        let slot: Slot = Arc::new(Mutex::new(Some(task)));
        lock(&self.0).push(slot.clone());
        TaskHandle::new(move || drop(lock(&slot).take()))
    }

    fn spawn_thread(&self, _: &str, work: BoxFuture<'static, ()>) -> io::Result<ThreadHandle> {
        let (ended, wait) = oneshot::channel::<()>();
        let _never_aborted = self.spawn(Box::pin(async move {
            let _ended = ended;
            work.await;
        }));
        Ok(Box::pin(async move {
            // An error only says that the sender is gone, which is what is waited for.
            let _: Result<(), _> = wait.await;
        }))
    }
}

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn wall(&self) -> Timestamp {
        Timestamp(0)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

#[derive(Debug)]
struct Always;

impl Entropy for Always {
    fn fill(&self, buf: &mut [u8]) -> io::Result<()> {
        buf.fill(7);
        Ok(())
    }
}
