//! The power fails, or the process is killed, at every operation of the disk that a busy engine makes, and again in the
//! recovery: nothing acknowledged is lost, nothing that is a fact is done again, and everything that is left is whole.
//!
//! `cargo test -p factum-tests --test crash -- --nocapture` prints how many points were tried. A failure prints the seed,
//! the operations and the losses: `FACTUM_CRASH=seed,first,second` tries that one again. `FACTUM_SEEDS=n` tries more.

mod full;
mod judge;
mod owner;
mod refusals;
mod scene;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use factum::testing::{Dice, Kind, Loss};

use scene::Scene;

/// How many ends are tried at each point, each with losses of its own.
const ENDS: u64 = 3;
/// What is swept unless more is asked for.
const SEEDS: u64 = 5;

/// A process that ends alone, or any loss of power.
fn any_end(dice: &mut Dice) -> Option<Loss> {
    Loss::ALL.get(dice.below(Loss::ALL.len() + 1)).copied()
}

/// One place of a sweep: the operation at which the process ends first, and the one of the next process.
#[derive(Debug, Clone, Copy)]
struct Place {
    seed: u64,
    first: u64,
    end: u64,
}

/// Ends the process at one operation, the next one somewhere in its recovery or after it, and lets the third be.
/// Whether the first came to its end before.
fn end_at(place: Place, prepare: &dyn Fn(&Scene)) -> bool {
    let Place { seed, first, end } = place;
    let mut scene = Scene::new(seed);
    prepare(&scene);
    let is_done = scene.until(first);
    let dice = &mut Dice(seed << 40 | first << 8 | end);
    let (once, again) = (any_end(dice), any_end(dice));
    let second = dice.below(150) as u64;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        scene.end(once);
        scene.until(second);
        scene.end(again);
        scene.finish();
    }));
    if let Err(panic) = outcome {
        eprintln!("this was {place:?}: {once:?} lost first, {again:?} lost at the next process's operation {second}");
        std::panic::resume_unwind(panic);
    }
    is_done
}

/// Ends a process at every `stride`th operation; gives how many points that were.
fn sweep(seed: u64, stride: u64, prepare: &(dyn Fn(&Scene) + Sync)) -> u64 {
    let (next, points, failed) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(None));
    // Simulated machines are independent of each other: one for each processor.
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let first = next.fetch_add(stride, Ordering::Relaxed);
                    let tried = catch_unwind(AssertUnwindSafe(|| {
                        (0..ENDS).all(|end| end_at(Place { seed, first, end }, prepare))
                    }));
                    match tried {
                        Ok(is_done) => {
                            points.fetch_add(1, Ordering::Relaxed);
                            if is_done {
                                next.fetch_max(u64::MAX / 2, Ordering::Relaxed);
                                return;
                            }
                        }
                        Err(panic) => {
                            next.fetch_max(u64::MAX / 2, Ordering::Relaxed);
                            *failed.lock().unwrap() = Some(panic);
                            return;
                        }
                    }
                    if next.load(Ordering::Relaxed) >= u64::MAX / 2 {
                        return;
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap() {
        Some(panic) => std::panic::resume_unwind(panic),
        None => points.into_inner(),
    }
}

#[test]
fn wherever_a_process_ends_nothing_acknowledged_is_lost_and_no_fact_is_done_again() {
    if let Ok(place) = std::env::var("FACTUM_CRASH") {
        let numbers: Vec<u64> = place.split(',').map(|number| number.trim().parse().unwrap()).collect();
        end_at(Place { seed: numbers[0], first: numbers[1], end: numbers[2] }, &|_| {});
        return;
    }
    let seeds = std::env::var("FACTUM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let mut points = 0;
    for seed in 0..seeds {
        points += sweep(seed, 1, &|_| {});
    }
    println!("{points} points were tried, each with {ENDS} ends and as many during recovery, over {seeds} seeds");
    assert!(points >= 400 * seeds, "only {points} points were tried");
}

/// The same sweep over a disk that leaves out one kind of sync must fail: it can see.
#[test]
fn the_sweep_sees_each_sync_that_is_left_out() {
    let syncs = [
        (Kind::Sync, ".wal"),
        (Kind::Sync, ".free"),
        (Kind::Sync, "MANIFEST.new"),
        (Kind::Sync, ".arena"),
        (Kind::Sync, "checkpoint.redb"),
        (Kind::SyncDir, "wal"),
        (Kind::SyncDir, "arena"),
        (Kind::SyncDir, "data"),
    ];
    for (kind, of) in syncs {
        let blind = catch_unwind(AssertUnwindSafe(|| {
            for seed in 0..4 {
                sweep(seed, 7, &|scene| scene.sim.disk().lie(kind, of));
            }
        }));
        assert!(blind.is_err(), "nothing was seen of {kind:?} of `{of}` being left out");
    }
}
