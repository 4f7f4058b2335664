//! The log's one lock. In a test that says so, the lock of a scheduler that tries one order of threads after another.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

/// A mutex whose holder never leaves the value half changed, so that a panic under it poisons nothing: only a caller's
/// group can panic there, and what it wrote is taken back.
#[derive(Debug)]
pub(super) enum Lock<T> {
    Std(std::sync::Mutex<T>),
    #[cfg(test)]
    Scheduled(shuttle::sync::Mutex<T>),
}

#[derive(Debug)]
pub(super) enum Guard<'a, T> {
    Std(std::sync::MutexGuard<'a, T>),
    #[cfg(test)]
    Scheduled(shuttle::sync::MutexGuard<'a, T>),
}

impl<T> Lock<T> {
    pub(super) fn new(value: T) -> Lock<T> {
        #[cfg(test)]
        if scheduled::is_on() {
            return Lock::Scheduled(shuttle::sync::Mutex::new(value));
        }
        Lock::Std(std::sync::Mutex::new(value))
    }

    pub(super) fn lock(&self) -> Guard<'_, T> {
        match self {
            Lock::Std(mutex) => Guard::Std(mutex.lock().unwrap_or_else(PoisonError::into_inner)),
            #[cfg(test)]
            Lock::Scheduled(mutex) => Guard::Scheduled(mutex.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Guard::Std(guard) => guard,
            #[cfg(test)]
            Guard::Scheduled(guard) => guard,
        }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Guard::Std(guard) => guard,
            #[cfg(test)]
            Guard::Scheduled(guard) => guard,
        }
    }
}

#[cfg(test)]
pub(super) mod scheduled {
    use std::cell::Cell;

    std::thread_local! {
        /// The scheduler runs all that it calls threads on the one that the test runs on.
        static ON: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn is_on() -> bool {
        ON.get()
    }

    /// Runs `test`; the locks that it makes are the scheduler's.
    pub(in crate::storage::wal) fn with(test: impl FnOnce()) {
        ON.set(true);
        test();
        ON.set(false);
    }
}
