//! Tasks and threads.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::Poll;

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One part of some work that is done at once.
pub(crate) type Work<'w> = Box<dyn FnOnce() + Send + 'w>;

/// Runs futures, and work that is shared out.
///
/// What goes on beside the caller is a future, so that a simulation can run the "threads" as
/// tasks of its one scheduler.
pub(crate) trait Exec: Send + Sync + fmt::Debug {
    /// Starts a task among the others. It must not block.
    fn spawn(&self, task: BoxFuture<'static, ()>) -> TaskHandle;
    /// Starts a thread of its own that drives `work`, which may block inside a
    /// poll, to its end. Between polls it spins for a moment before it parks.
    fn spawn_thread(&self, name: &str, work: BoxFuture<'static, ()>) -> io::Result<ThreadHandle>;
    /// Does all of it, on as many threads as the machine has, and returns when it is done. The parts are begun in
    /// their order; here, and in a simulation, one after the other.
    fn at_once<'w>(&self, work: Vec<Work<'w>>) {
        work.into_iter().for_each(|work| work());
    }
    /// The order in which so many futures of one task are polled, if it is not that of their indexes.
    fn order(&self, _futures: usize) -> Option<Vec<usize>> {
        None
    }
}

/// Completes when everything else that can go on, in this task and in others, has had a turn.
pub(crate) async fn yield_now() {
    let mut told = false;
    poll_fn(|cx| match std::mem::replace(&mut told, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// Can end a task early.
pub(crate) struct TaskHandle(Box<dyn Fn() + Send + Sync>);

impl TaskHandle {
    /// A handle whose [`abort`](Self::abort) calls `abort`.
    pub(crate) fn new(abort: impl Fn() + Send + Sync + 'static) -> Self {
        TaskHandle(Box::new(abort))
    }

    /// Drops the task's future at its next suspension point.
    pub(crate) fn abort(&self) {
        (self.0)();
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskHandle")
    }
}

/// A thread that was started; completes when it has ended.
pub(crate) type ThreadHandle = BoxFuture<'static, ()>;
