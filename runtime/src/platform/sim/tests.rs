//! What the machine promises: one thread, one seed, and no time but what is slept.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use super::*;
use crate::platform::Fs;

const SECOND: Duration = Duration::from_secs(1);

/// Says so when it is dropped.
struct Told(Arc<Mutex<Vec<u32>>>, u32);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1);
    }
}

fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    crate_text(&*panic).unwrap_or_default()
}

fn crate_text(panic: &(dyn std::any::Any + Send)) -> Option<String> {
    panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
}

/// The order in which ten tasks came to their ends, each after a few yields.
fn order(seed: u64) -> Vec<u32> {
    let sim = Sim::new(seed);
    let (send, mut ended) = mpsc::unbounded_channel();
    sim.run(async {
        for i in 0..10 {
            let send = send.clone();
            sim.spawn(async move {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                send.send(i).unwrap();
            });
        }
        drop(send);
        let mut order = Vec::new();
        while let Some(i) = ended.recv().await {
            order.push(i);
        }
        order
    })
}

#[test]
fn the_seed_decides_who_goes_on_next() {
    let orders: BTreeSet<Vec<u32>> = (0..20).map(order).collect();
    assert!(orders.len() > 15, "{} orders", orders.len());
    assert!((0..20).all(|seed| order(seed) == order(seed)));
}

#[test]
fn time_goes_on_only_when_everybody_sleeps_and_then_at_once() {
    let sim = Sim::new(1);
    let begun = sim.now();
    let (send, mut woken) = mpsc::unbounded_channel();
    sim.run(async {
        for hours in [30, 10, 20] {
            let (sim, send) = (sim.clone(), send.clone());
            sim.clone().spawn(async move {
                sim.sleep(hours * 3600 * SECOND).await;
                send.send((hours, sim.elapsed())).unwrap();
            });
        }
        drop(send);
        for hours in [10, 20, 30] {
            assert_eq!(woken.recv().await, Some((hours, hours * 3600 * SECOND)));
        }
    });
    assert_eq!(sim.now().since(begun), 30 * 3600 * SECOND);
}

#[test]
fn a_jump_moves_the_wall_clock_and_no_sleep() {
    let sim = Sim::new(1);
    let begun = sim.now();
    let slept = sim.run(async {
        let sleep = sim.sleep(10 * SECOND);
        sim.jump(3600 * SECOND);
        sleep.await;
        sim.elapsed()
    });
    assert_eq!((slept, sim.now().since(begun)), (10 * SECOND, 3610 * SECOND));
    sim.jump_back(7200 * SECOND);
    assert_eq!(begun.since(sim.now()), 3590 * SECOND);
}

#[test]
fn a_sleep_that_is_dropped_holds_nobody_up() {
    let sim = Sim::new(1);
    sim.run(async {
        tokio::select! {
            () = sim.sleep(SECOND) => {}
            () = sim.sleep(1000 * SECOND) => {}
        }
    });
    assert_eq!(sim.elapsed(), SECOND);
    let stuck = catch_unwind(AssertUnwindSafe(|| sim.run(std::future::pending::<()>())));
    assert!(message(stuck.unwrap_err()).contains("deadlock"), "the other sleep is gone");
}

#[test]
fn a_task_that_only_yields_does_not_stop_the_time() {
    let sim = Sim::new(1);
    sim.run(async {
        while sim.elapsed() < SECOND {
            let sleep = sim.sleep(SECOND);
            sim.spawn(sleep);
            for _ in 0..20_000 {
                tokio::task::yield_now().await;
            }
        }
    });
}

#[test]
fn an_aborted_task_is_dropped_and_not_polled() {
    let sim = Sim::new(1);
    let dropped = Arc::default();
    let told = Told(Arc::clone(&dropped), 1);
    let task = sim.platform().exec.spawn(Box::pin(async move {
        let _told = told;
        unreachable!("it was aborted before it ran");
    }));
    task.abort();
    assert!(dropped.lock().unwrap().is_empty(), "not while whoever aborts it may hold a lock");
    sim.run(async {
        while dropped.lock().unwrap().is_empty() {
            tokio::task::yield_now().await
        }
    });
    task.abort();
}

#[test]
fn a_task_can_abort_itself() {
    let sim = Sim::new(1);
    let dropped = Arc::default();
    let told = Told(Arc::clone(&dropped), 1);
    let (send, handle) = oneshot::channel::<crate::platform::TaskHandle>();
    let task = sim.platform().exec.spawn(Box::pin(async move {
        let _told = told;
        handle.await.unwrap().abort();
        std::future::pending().await
    }));
    send.send(task).unwrap();
    sim.run(async {
        while dropped.lock().unwrap().is_empty() {
            tokio::task::yield_now().await
        }
    });
}

#[test]
fn a_thread_is_a_task_and_its_end_can_be_awaited() {
    let sim = Sim::new(1);
    let woken = Arc::new(Notify::new());
    let wait = woken.clone();
    let ended = sim.platform().exec.spawn_thread("worker", Box::pin(async move { wait.notified().await })).unwrap();
    sim.run(async {
        sim.sleep(SECOND).await;
        woken.notify_one();
        ended.await;
    });
}

#[test]
fn when_nothing_can_go_on_the_simulation_says_so() {
    let sim = Sim::new(1);
    let _end = sim.platform().exec.spawn_thread("worker", Box::pin(std::future::pending())).unwrap();
    let stuck = catch_unwind(AssertUnwindSafe(|| sim.run(std::future::pending::<()>())));
    let message = message(stuck.unwrap_err());
    assert!(message.contains("deadlock") && message.contains("worker"), "{message}");
}

#[test]
fn a_wait_for_ever_beside_a_clock_that_is_looked_at_for_ever_ends_too() {
    let sim = Sim::new(1);
    sim.set_patience(1000 * SECOND);
    let clock = sim.clone();
    sim.spawn(async move {
        loop {
            clock.sleep(30 * SECOND).await;
        }
    });
    let stuck = catch_unwind(AssertUnwindSafe(|| sim.run(std::future::pending::<()>())));
    assert!(message(stuck.unwrap_err()).contains("of simulated time"));
    sim.crash(Loss::Any);
}

#[test]
fn a_waker_may_come_from_another_thread() {
    let sim = Sim::new(1);
    let (send, value) = oneshot::channel();
    let (polled, told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            told.recv().unwrap();
            send.send(7).unwrap();
        });
        let value = sim.run(async move {
            polled.send(()).unwrap();
            value.await.unwrap()
        });
        assert_eq!(value, 7);
    });
}

#[test]
fn the_end_of_a_process_drops_its_tasks_and_whatever_they_would_still_do() {
    let sim = Sim::new(1);
    let dropped: Arc<Mutex<Vec<u32>>> = Arc::default();
    let (before, fs) = (sim.platform(), sim.platform().fs);
    struct Writes(Arc<dyn Fs>);
    impl Drop for Writes {
        fn drop(&mut self) {
            assert!(self.0.open(Path::new("/f"), crate::platform::Open::CreateNew).is_err());
        }
    }
    let (told, writes) = (Told(dropped.clone(), 1), Writes(fs));
    sim.spawn(async move {
        let _held = (told, writes);
        std::future::pending().await
    });
    sim.run(tokio::task::yield_now());
    sim.crash(Loss::Nothing);
    assert_eq!((dropped.lock().unwrap().clone(), sim.disk().raw().list()), (vec![1], Vec::new()));
    // What is left of the process before can start nothing.
    let told = Told(dropped.clone(), 2);
    let _handle = before.exec.spawn(Box::pin(async move {
        let _told = told;
        unreachable!("its process is gone");
    }));
    assert_eq!(*dropped.lock().unwrap(), [1, 2]);
    sim.run(tokio::task::yield_now());
}

#[test]
fn a_machine_that_goes_down_stops_where_it_stands() {
    let sim = Sim::new(1);
    sim.disk().crash_at(0);
    let fs = sim.platform().fs;
    let (send, mut told) = mpsc::unbounded_channel();
    sim.spawn(async move {
        let down = fs.sync_dir(Path::new("/")).is_err();
        send.send(down).unwrap();
    });
    let learnt = sim.run_until_down(async { told.recv().await });
    assert_eq!((learnt, told.try_recv()), (None, Ok(true)), "nobody hears of it");
    let again = catch_unwind(AssertUnwindSafe(|| sim.run(async {})));
    assert!(message(again.unwrap_err()).contains("sync the directory"));
    sim.crash(Loss::Any);
    assert_eq!(sim.run_until_down(async { 7 }), Some(7));
}

#[test]
fn chance_is_of_the_seed() {
    let drawn = |seed| {
        let mut bytes = [0; 20];
        Sim::new(seed).platform().entropy.fill(&mut bytes).unwrap();
        bytes
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}

#[test]
fn a_machine_that_is_dropped_drops_its_tasks() {
    let dropped = Arc::default();
    let sim = Sim::new(1);
    let (told, exec) = (Told(Arc::clone(&dropped), 1), sim.platform().exec);
    sim.spawn(async move {
        // As an engine's tasks do, it holds what holds it.
        let _held = (told, exec);
        std::future::pending().await
    });
    drop(sim);
    assert_eq!(*dropped.lock().unwrap(), [1]);
}
