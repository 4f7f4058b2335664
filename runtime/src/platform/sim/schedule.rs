//! Who runs next, and what time it is: one queue, one clock, one seed.
//!
//! What must always hold: no lock is held while a future is polled or dropped, or a waker called.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use super::Dice;
use crate::platform::BoxFuture;
use crate::time::Timestamp;

/// How many polls in a row stop the time: a task that only yields must not stop it for good.
const BUSY: u32 = 10_000;

/// How long, by the real clock, a simulation that has nothing to do waits for a waker from another thread.
const OUTSIDE: Duration = Duration::from_secs(1);

/// The time at which every simulation begins: 2026-01-01, in nanoseconds.
const BEGINNING: i64 = 1_767_225_600 * 1_000_000_000;

/// The future that the simulation was asked to run; all others are tasks.
const MAIN: u64 = 0;

/// See the module.
#[derive(Debug)]
pub(super) struct Schedule {
    state: Mutex<State>,
    /// Something became ready.
    woken: Condvar,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    /// Which tasks may run; each at most once.
    ready: Vec<u64>,
    tasks: BTreeMap<u64, Task>,
    next_task: u64,
    /// Polls since the time went on.
    polls: u32,
    /// Monotonic time.
    now: Duration,
    /// What the wall clock is ahead of that, in nanoseconds.
    ahead: i64,
    sleeping: BTreeMap<(Duration, u64), Waker>,
    next_sleeper: u64,
    /// Tasks of former processes are not spawned any more.
    process: u64,
}

struct Task {
    name: Option<String>,
    /// Away while it is polled.
    future: Option<BoxFuture<'static, ()>>,
    aborted: bool,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a simulation does next.
pub(super) enum Next {
    /// Polls the future that it was asked to run.
    Main(Waker),
    /// Polls a task, and gives it back unless it has ended.
    Task(u64, BoxFuture<'static, ()>, Waker),
    /// Drops a task that was aborted.
    Drop(BoxFuture<'static, ()>),
    /// Nothing is ready.
    Idle,
}

/// Makes a task ready.
struct Ready {
    task: u64,
    schedule: Weak<Schedule>,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(schedule) = self.schedule.upgrade() {
            schedule.wake(self.task);
        }
    }
}

impl State {
    fn make_ready(&mut self, task: u64) {
        if (task == MAIN || self.tasks.contains_key(&task)) && !self.ready.contains(&task) {
            self.ready.push(task);
        }
    }
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Schedule {
        let state = State {
            dice: Dice(seed),
            ready: Vec::new(),
            tasks: BTreeMap::new(),
            next_task: MAIN + 1,
            polls: 0,
            now: Duration::ZERO,
            ahead: BEGINNING,
            sleeping: BTreeMap::new(),
            next_sleeper: 0,
            process: 0,
        };
        Schedule { state: Mutex::new(state), woken: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Tasks.

    pub(super) fn process(&self) -> u64 {
        self.state().process
    }

    /// Adds a task of a process; none when that has ended.
    pub(super) fn spawn(&self, process: u64, name: Option<&str>, future: BoxFuture<'static, ()>) -> Option<u64> {
        let mut state = self.state();
        if state.process != process {
            drop(state);
            drop(future);
            return None;
        }
        let id = state.next_task;
        state.next_task += 1;
        state.tasks.insert(id, Task { name: name.map(str::to_owned), future: Some(future), aborted: false });
        state.make_ready(id);
        Some(id)
    }

    /// The task is dropped when it would be polled next.
    pub(super) fn abort(&self, id: u64) {
        let mut state = self.state();
        if let Some(task) = state.tasks.get_mut(&id) {
            task.aborted = true;
            state.make_ready(id);
        }
    }

    fn wake(&self, id: u64) {
        self.state().make_ready(id);
        self.woken.notify_all();
    }

    /// Numbers from 0 on in an order that is drawn.
    pub(super) fn order(&self, count: usize) -> Vec<usize> {
        let mut state = self.state();
        let mut order: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            order.swap(at, state.dice.below(at + 1));
        }
        order
    }

    pub(super) fn wake_main(&self) {
        self.wake(MAIN);
    }

    /// Draws from all that is ready.
    pub(super) fn next(self: &Arc<Self>) -> Next {
        let mut state = self.state();
        let state = &mut *state;
        if state.polls >= BUSY && !state.sleeping.is_empty() {
            return Next::Idle;
        }
        while !state.ready.is_empty() {
            let drawn = state.dice.below(state.ready.len());
            let id = state.ready.swap_remove(drawn);
            let waker = || Waker::from(Arc::new(Ready { task: id, schedule: Arc::downgrade(self) }));
            if id == MAIN {
                state.polls += 1;
                return Next::Main(waker());
            }
            let Some(task) = state.tasks.get_mut(&id) else { continue };
            let aborted = task.aborted;
            let Some(future) = task.future.take() else { continue };
            if aborted {
                state.tasks.remove(&id);
                return Next::Drop(future);
            }
            state.polls += 1;
            return Next::Task(id, future, waker());
        }
        Next::Idle
    }

    /// A task is not at its end.
    pub(super) fn give_back(&self, id: u64, future: BoxFuture<'static, ()>) {
        let mut state = self.state();
        match state.tasks.get_mut(&id) {
            Some(task) => {
                task.future = Some(future);
                if task.aborted {
                    state.make_ready(id);
                }
            }
            None => {
                drop(state);
                drop(future);
            }
        }
    }

    pub(super) fn ended(&self, id: u64) {
        let ended = self.state().tasks.remove(&id);
        drop(ended);
    }

    /// Drops every task: the process ends. Whatever they spawn in doing so is dropped with them.
    pub(super) fn end_process(&self) {
        self.state().process += 1;
        loop {
            let tasks = std::mem::take(&mut self.state().tasks);
            if tasks.is_empty() {
                break;
            }
            drop(tasks);
        }
        let mut state = self.state();
        state.ready.clear();
        let sleeping = std::mem::take(&mut state.sleeping);
        drop(state);
        drop(sleeping);
    }

    /// Who is there, for a message.
    pub(super) fn census(&self) -> String {
        let state = self.state();
        let named: Vec<&str> = state.tasks.values().filter_map(|task| task.name.as_deref()).collect();
        format!("{} tasks and the threads {named:?}", state.tasks.len() - named.len())
    }

    // Time.

    /// Goes on to the next moment at which somebody wakes; false when nobody sleeps.
    pub(super) fn advance(&self) -> bool {
        let mut state = self.state();
        let Some(&(next, _)) = state.sleeping.keys().next() else { return false };
        let now = state.now.max(next);
        (state.now, state.polls) = (now, 0);
        let later = state.sleeping.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut state.sleeping, later);
        drop(state);
        due.into_values().for_each(Waker::wake);
        true
    }

    /// Waits for a waker from another thread; false when none comes.
    pub(super) fn wait_outside(&self) -> bool {
        let idle = |state: &mut State| state.ready.is_empty();
        let waited = self.woken.wait_timeout_while(self.state(), OUTSIDE, idle);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.state().now
    }

    pub(super) fn wall(&self) -> Timestamp {
        let state = self.state();
        Timestamp(state.ahead).after(state.now)
    }

    /// Sets the wall clock forward or back, by nanoseconds.
    pub(super) fn jump(&self, by: i64) {
        let mut state = self.state();
        state.ahead = state.ahead.saturating_add(by);
    }

    /// Whether a moment has come; else its sleeper is woken when it has.
    pub(super) fn sleep_until(&self, at: Duration, sleeper: &mut Option<u64>, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = self.state();
        if state.now >= at {
            return true;
        }
        let id = *sleeper.get_or_insert_with(|| {
            state.next_sleeper += 1;
            state.next_sleeper
        });
        let before = state.sleeping.insert((at, id), waker);
        drop(state);
        drop(before);
        false
    }

    pub(super) fn forget(&self, at: Duration, sleeper: u64) {
        let forgotten = self.state().sleeping.remove(&(at, sleeper));
        drop(forgotten);
    }
}
