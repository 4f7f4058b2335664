//! The process ends at every operation of the disk that the saga with every operation makes, whichever of its steps fails,
//! and again in the recovery: in the end everything is done, or everything is undone.

use std::collections::BTreeSet;
use std::sync::Mutex;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Error, Event, Result};

use crate::disk::{self, History, Left};
use crate::places::{Place, Scene, play};
use crate::rules;
use crate::whole::{FAULTS, alone, child, whole};
use crate::world::{Go, What, World};

/// The saga with every operation.
struct Whole;

/// What callers were told.
#[derive(Debug, Default)]
struct Told {
    opened: bool,
    started: bool,
    signalled: bool,
    resumed: bool,
    ended: bool,
}

impl Scene for Whole {
    const VARIABLE: &'static str = "FACTUM_CRASH";
    const FAULTS: usize = FAULTS.len();
    const RUNS: &'static [&'static str] = &["whole", "linked", "more", "alone"];
    const STRIDE: u64 = 11;
    const RECOVERY: usize = 200;
    const LEAST: u64 = 10;

    type Told = Told;
    type Seen = Vec<History>;

    async fn process(sim: &Sim, world: &World, place: Place, told: &Mutex<Told>) -> Result<Vec<History>> {
        work(sim, world, place, told).await
    }

    fn has_opened(told: &Told) -> bool {
        told.opened
    }

    fn kept(told: &Told, now: &Left) {
        kept(told, now);
    }

    fn judge(_: Place, histories: &Vec<History>, world: &World) {
        for (id, history) in Whole::RUNS.iter().zip(histories) {
            judge(id, history, world);
        }
    }
}

/// One process: starts the run, tells it what it waits for, and waits for the end of it and of its children.
async fn work(sim: &Sim, world: &World, place: Place, told: &Mutex<Told>) -> Result<Vec<History>> {
    told.lock().unwrap().opened = false;
    let builder = disk::builder().app(world.clone()).saga(whole).saga(child).saga(alone);
    let engine = builder.sim(sim).open().await?;
    told.lock().unwrap().opened = true;
    // Every other place is behind a pivot.
    let pivot = (place.seed + place.first + u64::from(place.fault)).is_multiple_of(2);
    let run = engine.start(whole(place.fault, pivot, 0)).id("whole").await?;
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
    for &id in Whole::RUNS {
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

#[test]
fn wherever_a_process_ends_and_whichever_step_fails_everything_is_done_or_undone() {
    play::<Whole>();
}
