//! The process ends at every operation of the disk that the saga with every operation makes, whichever of its steps fails,
//! and again in the recovery: in the end everything is done, or everything is undone.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Dice, Loss, Sim};
use factum::{Error, Event, Result};

use crate::disk::{self, History, Left, written};
use crate::rules;
use crate::whole::{FAULTS, alone, child, whole};
use crate::world::{Go, What, World};

/// Every how many operations the process ends, unless more is asked for.
const STRIDE: u64 = 11;
/// The runs.
const RUNS: [&str; 4] = ["whole", "linked", "more", "alone"];

/// One place of the sweep.
#[derive(Debug, Clone, Copy)]
struct Place {
    seed: u64,
    /// Which step fails.
    fault: u32,
    /// At which operation the first process ends.
    first: u64,
}

impl Place {
    /// Every other one ends behind a pivot.
    fn pivot(self) -> bool {
        (self.seed + self.first + u64::from(self.fault)).is_multiple_of(2)
    }
}

/// What callers were told.
#[derive(Debug, Default)]
struct Told {
    opened: bool,
    started: bool,
    signalled: bool,
    resumed: bool,
    ended: bool,
}

/// One process: starts the run, tells it what it waits for, and waits for the end of it and of its children.
async fn work(sim: &Sim, world: &World, place: Place, told: &Mutex<Told>) -> Result<Vec<History>> {
    told.lock().unwrap().opened = false;
    let builder = disk::builder().app(world.clone()).saga(whole).saga(child).saga(alone);
    let engine = builder.sim(sim).open().await?;
    told.lock().unwrap().opened = true;
    let run = engine.start(whole(place.fault, place.pivot(), 0)).id("whole").await?;
    told.lock().unwrap().started = true;
    // Long before anybody waits for it: it is carried over into the next turn.
    match engine.signal("whole", Go { n: 7 }).sender_id("once").await {
        Ok(()) => told.lock().unwrap().signalled = true,
        Err(Error::NotActive { .. }) => {}
        Err(other) => return Err(other),
    }
    loop {
        match run.outcome().await? {
            Outcome::Paused(_) => {
                engine.resume("whole").await?;
                told.lock().unwrap().resumed = true;
            }
            Outcome::Completed(run) => {
                assert_eq!((place.fault, run.output().as_str()), (0, "7 true 0"));
                break;
            }
            Outcome::Failed(run) => {
                let failure = format!("{:?}", run.failure());
                assert!(failure.contains(FAULTS[place.fault as usize]) || failure.contains("Child"), "{failure}");
                assert!(place.fault > 0, "{failure}");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    told.lock().unwrap().ended = true;
    let mut histories = Vec::new();
    for id in RUNS {
        let ended = match id {
            "whole" => true,
            "alone" => match engine.attach(alone, id).await {
                Ok(run) => run.outcome().await.map(|_| true)?,
                Err(Error::UnknownRun { .. }) => false,
                Err(other) => return Err(other),
            },
            _ => match engine.attach(child, id).await {
                Ok(run) => run.outcome().await.map(|_| true)?,
                Err(Error::UnknownRun { .. }) => false,
                Err(other) => return Err(other),
            },
        };
        histories.push(match ended {
            true => disk::history(&engine.history(id).await?),
            false => History::new(),
        });
    }
    engine.shutdown().await?;
    Ok(histories)
}

/// Ends the process at one operation, the next one somewhere in its recovery or after it, and lets the third be.
/// Whether the first came to its end before.
fn end_at(place: Place) -> bool {
    let mut dice = Dice(place.seed << 40 | u64::from(place.fault) << 32 | place.first);
    let sim = Sim::new(dice.draw());
    sim.set_patience(Duration::from_secs(3_600));
    let world = World::new(&sim);
    let told = Mutex::new(Told::default());
    let ends = [place.first, dice.below(200) as u64];
    let losses = ends.map(|_| Loss::ALL.get(dice.below(Loss::ALL.len() + 1)).copied());
    let mut is_done = false;
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let (mut before, mut cached) = (Left::default(), false);
        for (at, loss) in ends.into_iter().zip(losses) {
            sim.disk().crash_at(at);
            let done = sim.run_until_down(work(&sim, &world, place, &told));
            is_done |= at == place.first && done.is_some();
            done.into_iter().for_each(|done| drop(done.unwrap()));
            match loss {
                Some(loss) => sim.crash(loss),
                None => sim.kill(),
            }
            let now = Left::look(&sim, &world, &RUNS);
            let told = told.lock().unwrap();
            // A process that was killed may leave what only the cache holds, until the next one has opened.
            if told.opened || !cached {
                kept(&told, &now);
                now.kept(&before);
                before.not_again(&world);
            }
            cached = loss.is_none() || cached && !told.opened;
            before = now;
        }
        sim.disk().crash_at(u64::MAX);
        let histories = sim.run(work(&sim, &world, place, &told)).unwrap();
        before.not_again(&world);
        for (id, history) in RUNS.into_iter().zip(&histories) {
            judge(id, history, &world);
        }
    }));
    if let Err(panic) = tried {
        let Place { seed, fault, first } = place;
        eprintln!("FACTUM_CRASH={seed},{fault},{first}: then at {}, losing {losses:?}", ends[1]);
        sim.kill();
        for (id, history) in Left::look(&sim, &world, &RUNS).runs {
            eprintln!("{id}:{}", written(&history));
        }
        std::panic::resume_unwind(panic);
    }
    is_done
}

/// What was acknowledged is on the disk.
fn kept(told: &Told, now: &Left) {
    let empty = History::new();
    let whole = now.runs.get("whole").unwrap_or(&empty);
    let has = |is: fn(&Event) -> bool| whole.iter().any(|(_, event)| is(event));
    let again = has(|event| matches!(event, Event::Again { .. }));
    assert!(!told.started || !whole.is_empty(), "an acknowledged start is lost");
    assert!(!told.signalled || again || has(|event| matches!(event, Event::SignalReceived { .. })), "a signal is lost");
    assert!(!told.resumed || again || has(|event| matches!(event, Event::Resumed { .. })), "a resume is lost");
    let ended = has(|event| matches!(event, Event::RunCompleted { .. } | Event::RunFailed { .. }));
    assert!(!told.ended || ended, "an end is lost");
}

/// A run that has ended is complete, or wholly undone, in the world as in its history.
fn judge(id: &str, history: &History, world: &World) {
    let Some((_, end)) = history.last() else { return };
    let broken = rules::broken(&disk::events(history));
    assert!(broken.is_empty(), "{id}: {broken:#?}");
    let acts: Vec<_> = world.acts().into_iter().filter(|act| act.run == id).collect();
    let labels: BTreeSet<&str> = acts.iter().map(|act| act.label.as_str()).collect();
    let drawn = labels.iter().filter(|label| label.starts_with("drawn")).count();
    assert!(drawn <= 1, "a replay was told other values: {labels:?}");
    let is_complete = matches!(end, Event::RunCompleted { .. });
    assert!(is_complete || id != "alone", "what nobody links to has ended as {end}");
    for label in labels {
        let last = acts.iter().rev().find(|act| act.label == label).map(|act| act.what);
        // What has no undo stays.
        let stays = matches!(label, "ship" | "never");
        // What lost its race is undone in any case.
        let wanted = (is_complete && label != "race 1") || stays;
        assert_eq!(last == Some(What::Do), wanted, "`{label}` of {id}, which ended as {end}: {acts:#?}");
    }
    let done: BTreeSet<&str> = acts.iter().filter(|act| act.what == What::Do).map(|act| act.label.as_str()).collect();
    if is_complete && id == "whole" {
        let all = FAULTS[1..].iter().filter(|label| !label.starts_with("child"));
        let missing: Vec<_> = all.filter(|label| !done.contains(*label)).collect();
        assert!(missing.is_empty(), "completed without {missing:?}");
    }
}

/// Ends a process at every so many operations, whichever step fails; gives how many points that were.
fn sweep(seed: u64, stride: u64) -> u64 {
    let (next, points) = (AtomicU64::new(0), AtomicU64::new(0));
    // Simulated machines are independent of each other: one for each processor.
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let fault = next.fetch_add(1, Ordering::Relaxed);
                    let Some(_) = FAULTS.get(fault as usize) else { return };
                    let firsts = ((seed + fault) % stride..).step_by(stride as usize);
                    for first in firsts {
                        points.fetch_add(1, Ordering::Relaxed);
                        if end_at(Place { seed, fault: fault as u32, first }) {
                            break;
                        }
                    }
                }
            });
        }
    });
    points.into_inner()
}

#[test]
fn wherever_a_process_ends_and_whichever_step_fails_everything_is_done_or_undone() {
    if let Ok(place) = std::env::var("FACTUM_CRASH") {
        let numbers: Vec<u64> = place.split(',').map(|number| number.trim().parse().unwrap()).collect();
        end_at(Place { seed: numbers[0], fault: numbers[1] as u32, first: numbers[2] });
        return;
    }
    let more = std::env::var("FACTUM_SEEDS").ok().and_then(|seeds| seeds.parse::<u64>().ok());
    let points: u64 = match more {
        Some(seeds) => (0..seeds).map(|seed| sweep(seed, 1)).sum(),
        None => sweep(0, STRIDE),
    };
    println!("{points} points were tried");
    assert!(points >= 10 * FAULTS.len() as u64, "only {points} points were tried");
}
