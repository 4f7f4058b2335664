//! Wakes whoever waited for a frame from a task among theirs.
//!
//! A frame can have hundreds of waiters. Woken by the writer each of them would go through the runtime's one queue for
//! tasks from outside, under its lock, while the log waits; a task of the runtime puts them into the queue of the
//! thread that it is on. What must always hold: a waker that is handed over is woken, also when the runtime drops
//! the task.

use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::platform::{Exec, TaskHandle};

/// With fewer waiters the way is not worth it.
const FEW: usize = 8;

#[derive(Debug, Default)]
struct State {
    ready: Vec<Waker>,
    /// The task's.
    task: Option<Waker>,
    /// A task is there, and takes what it is handed.
    open: bool,
    /// Nobody hands anything over any more.
    over: bool,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Relay(Arc<Mutex<State>>);

impl Relay {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all of `ready`, which is empty then and keeps its buffer.
    pub(super) fn wake(&self, ready: &mut Vec<Waker>) {
        if ready.len() > FEW {
            let mut state = self.state();
            if state.open {
                match state.ready.is_empty() {
                    true => mem::swap(&mut state.ready, ready),
                    false => state.ready.append(ready),
                }
                let task = state.task.take();
                drop(state);
                task.into_iter().for_each(Waker::wake);
                return;
            }
        }
        ready.drain(..).for_each(Waker::wake);
    }

    /// Starts the task.
    pub(super) fn start(&self, exec: &dyn Exec) -> TaskHandle {
        let guard = Taking(self.clone());
        self.state().open = true;
        exec.spawn(Box::pin(async move {
            let mut ready = Vec::new();
            loop {
                let over = poll_fn(|cx| {
                    let mut state = guard.0.state();
                    if state.over {
                        return Poll::Ready(true);
                    }
                    if state.ready.is_empty() {
                        state.task = Some(cx.waker().clone());
                        return Poll::Pending;
                    }
                    mem::swap(&mut state.ready, &mut ready);
                    Poll::Ready(false)
                });
                if over.await {
                    return;
                }
                ready.drain(..).for_each(Waker::wake);
            }
        }))
    }

    /// The log is gone: so is the task.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.over = true;
        let task = state.task.take();
        drop(state);
        task.into_iter().for_each(Waker::wake);
    }
}

/// The task's side. Dropped with it, also before its first poll.
struct Taking(Relay);

impl Drop for Taking {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.open = false;
        let left = mem::take(&mut state.ready);
        drop(state);
        left.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake};

    use super::*;
    use crate::platform::BoxFuture;

    #[derive(Default)]
    struct Told(AtomicUsize);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Keeps the task for the test to poll.
    #[derive(Debug, Default)]
    struct ByHand(Mutex<Option<Kept>>);

    struct Kept(BoxFuture<'static, ()>);

    impl std::fmt::Debug for Kept {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Kept")
        }
    }

    impl Exec for ByHand {
        fn spawn(&self, task: BoxFuture<'static, ()>) -> TaskHandle {
            *self.0.lock().unwrap() = Some(Kept(task));
            TaskHandle::new(|| {})
        }

        fn spawn_thread(&self, _: &str, _: BoxFuture<'static, ()>) -> std::io::Result<crate::platform::ThreadHandle> {
            Err(std::io::ErrorKind::Unsupported.into())
        }
    }

    fn wakers(told: &Arc<Told>, count: usize) -> Vec<Waker> {
        (0..count).map(|_| Waker::from(told.clone())).collect()
    }

    fn count(told: &Told) -> usize {
        told.0.load(Ordering::Relaxed)
    }

    #[test]
    fn few_are_woken_at_once_and_many_by_the_task() {
        let (relay, exec, told) = (Relay::default(), ByHand::default(), Arc::new(Told::default()));
        drop(relay.start(&exec));
        let mut task = exec.0.lock().unwrap().take().unwrap().0;
        relay.wake(&mut wakers(&told, FEW));
        assert_eq!(count(&told), FEW);
        relay.wake(&mut wakers(&told, 100));
        relay.wake(&mut wakers(&told, 50));
        assert_eq!(count(&told), FEW);
        assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(count(&told), FEW + 150);
        relay.end();
        assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }

    #[test]
    fn what_a_dropped_task_was_handed_is_woken_and_what_comes_then_too() {
        let (relay, exec, told) = (Relay::default(), ByHand::default(), Arc::new(Told::default()));
        drop(relay.start(&exec));
        relay.wake(&mut wakers(&told, 100));
        drop(exec.0.lock().unwrap().take());
        assert_eq!(count(&told), 100);
        relay.wake(&mut wakers(&told, 100));
        assert_eq!(count(&told), 200);
    }

    #[test]
    fn without_a_task_everybody_is_woken_at_once() {
        let (relay, told) = (Relay::default(), Arc::new(Told::default()));
        relay.wake(&mut wakers(&told, 100));
        assert_eq!(count(&told), 100);
    }
}
