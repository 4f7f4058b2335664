//! Clock, chance and tasks of a simulation.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

use super::Dice;
use super::schedule::Schedule;
use crate::platform::{BoxFuture, Clock, Entropy, Exec, TaskHandle, ThreadHandle};
use crate::time::Timestamp;

/// A clock that stands still while anybody has something to do.
#[derive(Debug)]
pub(super) struct SimClock(pub(super) Arc<Schedule>);

impl Clock for SimClock {
    fn wall(&self) -> Timestamp {
        self.0.wall()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
        let at = self.0.elapsed().saturating_add(d);
        Box::pin(Sleep { schedule: self.0.clone(), at, sleeper: None })
    }
}

struct Sleep {
    schedule: Arc<Schedule>,
    at: Duration,
    sleeper: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Sleep { schedule, at, sleeper } = self.get_mut();
        if schedule.sleep_until(*at, sleeper, cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(sleeper) = self.sleeper {
            self.schedule.forget(self.at, sleeper);
        }
    }
}

/// Bytes from the seed.
#[derive(Debug)]
pub(super) struct SimEntropy(pub(super) Arc<Mutex<Dice>>);

impl Entropy for SimEntropy {
    fn fill(&self, buf: &mut [u8]) -> io::Result<()> {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in buf.chunks_mut(8) {
            chunk.copy_from_slice(&dice.draw().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// The tasks of one process; its threads are tasks like all others.
#[derive(Debug)]
pub(super) struct SimExec {
    pub(super) schedule: Arc<Schedule>,
    pub(super) process: u64,
}

impl Exec for SimExec {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> TaskHandle {
        let schedule = Arc::downgrade(&self.schedule);
        let id = self.schedule.spawn(self.process, None, task);
        TaskHandle::new(move || {
            if let (Some(schedule), Some(id)) = (schedule.upgrade(), id) {
                schedule.abort(id);
            }
        })
    }

    fn order(&self, futures: usize) -> Option<Vec<usize>> {
        Some(self.schedule.order(futures))
    }

    fn spawn_thread(&self, name: &str, work: BoxFuture<'static, ()>) -> io::Result<ThreadHandle> {
        let (ended, wait) = oneshot::channel::<()>();
        let work = Box::pin(async move {
            let _ended = ended; // dropped, and so reported, when the work is over or dropped
            work.await;
        });
        self.schedule.spawn(self.process, Some(name), work);
        Ok(Box::pin(async move {
            // An error only says that the sender is gone, which is what is waited for.
            let _: Result<(), _> = wait.await;
        }))
    }
}
