//! Tasks on tokio, threads of the operating system.

use std::io;
use std::num::NonZero;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, TryCurrentError};
use tokio::sync::oneshot;

use crate::platform::{BoxFuture, Exec, TaskHandle, ThreadHandle, Work};

/// How long a thread without work looks for more before it parks: waking a
/// parked thread takes longer than finding work at once.
const SPIN: Duration = Duration::from_micros(20);

#[derive(Debug)]
pub(super) struct RealExec {
    tokio: Handle,
}

impl RealExec {
    /// Runs tasks on the tokio runtime that this is called in.
    pub(super) fn current() -> Result<Self, TryCurrentError> {
        Ok(RealExec { tokio: Handle::try_current()? })
    }
}

impl Exec for RealExec {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> TaskHandle {
        let abort = self.tokio.spawn(task).abort_handle();
        TaskHandle::new(move || abort.abort())
    }

    fn spawn_thread(&self, name: &str, work: BoxFuture<'static, ()>) -> io::Result<ThreadHandle> {
        let (ended, wait) = oneshot::channel::<()>();
        let tokio = self.tokio.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            // What a user's checkpoint store awaits may need the runtime.
            let _entered = tokio.enter();
            let _ended = ended; // dropped, and so reported, when the work is over or panics
            drive(work);
        })?;
        Ok(Box::pin(async move {
            // An error only says that the sender is gone, which is what is waited for.
            let _: Result<(), _> = wait.await;
        }))
    }

    fn at_once<'w>(&self, work: Vec<Work<'w>>) {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(work.len());
        let parts = Mutex::new(work.into_iter());
        let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
        let take = || std::iter::from_fn(next).for_each(|part| part());
        thread::scope(|scope| {
            for _ in 1..threads {
                // Where there is no other thread, this one does it all.
                let _: io::Result<_> = thread::Builder::new().spawn_scoped(scope, take);
            }
            take();
        });
    }
}

struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

fn drive(work: BoxFuture<'static, ()>) {
    let mut work = pin!(work);
    let unpark = Arc::new(Unpark { thread: thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(unpark.clone());
    let mut cx = Context::from_waker(&waker);
    while work.as_mut().poll(&mut cx).is_pending() {
        let idle = Instant::now();
        while !unpark.woken.swap(false, Ordering::Acquire) {
            if idle.elapsed() < SPIN {
                std::hint::spin_loop();
            } else {
                thread::park();
            }
        }
    }
}
