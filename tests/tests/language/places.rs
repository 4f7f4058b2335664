//! A scene at every place: the process ends at one operation of the disk, the next one somewhere in its recovery or after
//! it, and the third comes to its end.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use factum::Result;
use factum::testing::{Dice, Loss, Sim};

use crate::disk::{Left, written};
use crate::world::World;

/// One place of a sweep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) seed: u64,
    /// Which step fails.
    pub(crate) fault: u32,
    /// At which operation the first process ends.
    pub(crate) first: u64,
}

/// What is played at every place.
pub(crate) trait Scene {
    /// What the environment calls a place that is tried again, as `seed,fault,first`.
    const VARIABLE: &'static str;
    /// How many steps may fail, none of them included.
    const FAULTS: usize;
    /// The runs.
    const RUNS: &'static [&'static str];
    /// Every how many operations the process ends, unless more is asked for.
    const STRIDE: u64;
    /// So many operations the second process lives at most.
    const RECOVERY: usize;
    /// How many places there are at least for each fault.
    const LEAST: u64;

    /// What callers were told.
    type Told: Default + Sync + Send;
    /// What a process that comes to its end has seen.
    type Seen;

    /// One process.
    fn process(
        sim: &Sim,
        world: &World,
        place: Place,
        told: &Mutex<Self::Told>,
    ) -> impl Future<Output = Result<Self::Seen>>;

    /// Whether the last process has opened its engine.
    fn has_opened(told: &Self::Told) -> bool;

    /// How long nobody is there between two processes.
    fn away(_: &mut Dice) -> Duration {
        Duration::ZERO
    }

    /// What was acknowledged is on the disk.
    fn kept(told: &Self::Told, now: &Left);

    /// The world in the end is as what was seen says.
    fn judge(place: Place, seen: &Self::Seen, world: &World);
}

/// Plays a scene at its places, or at the one that the environment names.
pub(crate) fn play<S: Scene>() {
    if let Ok(place) = std::env::var(S::VARIABLE) {
        let numbers: Vec<u64> = place.split(',').map(|number| number.trim().parse().unwrap()).collect();
        end_at::<S>(Place { seed: numbers[0], fault: u32::try_from(numbers[1]).unwrap(), first: numbers[2] });
        return;
    }
    let more = std::env::var("FACTUM_SEEDS").ok().and_then(|seeds| seeds.parse::<u64>().ok());
    let points: u64 = match more {
        Some(seeds) => (0..seeds).map(|seed| sweep::<S>(seed, 1)).sum(),
        None => sweep::<S>(0, S::STRIDE),
    };
    println!("{points} points were tried");
    assert!(points >= S::LEAST * S::FAULTS as u64, "only {points} points were tried");
}

/// Ends a process at every so many operations, whichever step fails; gives how many points that were.
fn sweep<S: Scene>(seed: u64, stride: u64) -> u64 {
    let (next, points) = (AtomicU64::new(0), AtomicU64::new(0));
    // Simulated machines are independent of each other: one for each processor.
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let fault = next.fetch_add(1, Ordering::Relaxed);
                    if fault >= S::FAULTS as u64 {
                        return;
                    }
                    for first in ((seed + fault) % stride..).step_by(stride as usize) {
                        points.fetch_add(1, Ordering::Relaxed);
                        if end_at::<S>(Place { seed, fault: fault as u32, first }) {
                            break;
                        }
                    }
                }
            });
        }
    });
    points.into_inner()
}

/// Whether the first process came to its end before its place.
fn end_at<S: Scene>(place: Place) -> bool {
    let Place { seed, fault, first } = place;
    let mut dice = Dice(seed << 40 | u64::from(fault) << 32 | first);
    let sim = Sim::new(dice.draw());
    sim.set_patience(Duration::from_secs(3_600));
    let world = World::new(&sim);
    let told = Mutex::new(S::Told::default());
    let ends = [first, dice.below(S::RECOVERY) as u64];
    let losses = ends.map(|_| Loss::ALL.get(dice.below(Loss::ALL.len() + 1)).copied());
    let mut is_done = false;
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let (mut before, mut cached) = (Left::default(), false);
        for (at, loss) in ends.into_iter().zip(losses) {
            sim.disk().crash_at(at);
            let done = sim.run_until_down(S::process(&sim, &world, place, &told));
            is_done |= at == first && done.is_some();
            done.into_iter().for_each(|done| drop(done.unwrap()));
            match loss {
                Some(loss) => sim.crash(loss),
                None => sim.kill(),
            }
            sim.jump(S::away(&mut dice));
            let now = Left::look(&sim, &world, S::RUNS);
            let told = told.lock().unwrap();
            // A process that was killed may leave what only the cache holds, until the next one has opened.
            if S::has_opened(&told) || !cached {
                S::kept(&told, &now);
                now.kept(&before);
                before.not_again(&world);
            }
            cached = loss.is_none() || cached && !S::has_opened(&told);
            before = now;
        }
        sim.disk().crash_at(u64::MAX);
        let seen = sim.run(S::process(&sim, &world, place, &told)).unwrap();
        before.not_again(&world);
        S::judge(place, &seen, &world);
    }));
    if let Err(panic) = tried {
        eprintln!("{}={seed},{fault},{first}: then at {}, losing {losses:?}", S::VARIABLE, ends[1]);
        sim.kill();
        for (id, history) in Left::look(&sim, &world, S::RUNS).runs {
            eprintln!("{id}:{}", written(&history));
        }
        std::panic::resume_unwind(panic);
    }
    is_done
}
