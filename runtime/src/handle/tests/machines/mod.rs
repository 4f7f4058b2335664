//! Random machines, each with random signals and random ends of its process, against an interpreter that knows nothing of
//! the engine.
//!
//! A machine's state holds everything that its handlers were told: the walk that the engine took is in its data, and the
//! interpreter says whether the machine's graph and scripts allow it. A failure prints what tries it again:
//! `FACTUM_MACHINE=seed`; `FACTUM_MACHINES=n` tries more.

mod body;
mod draw;
mod judge;
mod scene;

use std::sync::atomic::{AtomicU64, Ordering};

/// How many machines are tried unless more are asked for.
const MACHINES: u64 = 400;

#[test]
#[expect(clippy::print_stdout, reason = "what was tried is what a reader wants to know")]
fn random_machines_walk_as_their_graphs_say_wherever_the_process_ends() {
    if let Ok(seed) = std::env::var("FACTUM_MACHINE") {
        scene::try_one(seed.parse().unwrap());
        return;
    }
    let machines = std::env::var("FACTUM_MACHINES").ok().and_then(|machines| machines.parse().ok()).unwrap_or(MACHINES);
    let (next, visits, timeouts, crashes) = Default::default();
    let add = |to: &AtomicU64, n: usize| to.fetch_add(n as u64, Ordering::Relaxed);
    // Simulated machines are independent of each other: one for each processor.
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = AtomicU64::fetch_add(&next, 1, Ordering::Relaxed);
                    if seed >= machines {
                        return;
                    }
                    let tried = scene::try_one(seed);
                    add(&visits, tried.visits);
                    add(&timeouts, tried.timeouts);
                    add(&crashes, tried.crashes);
                }
            });
        }
    });
    let [visits, timeouts, crashes] = [visits, timeouts, crashes].map(AtomicU64::into_inner);
    println!(
        "{machines} machines: {visits} states were left, {timeouts} of them by a timeout, {crashes} processes ended"
    );
    assert!(
        visits > machines * 3 && timeouts > machines / 2 && crashes > machines / 2,
        "{visits} {timeouts} {crashes}"
    );
}
