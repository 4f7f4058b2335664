//! The process of a machine ends at every operation of the disk, whichever of its steps fails, and again in the recovery:
//! the states that anybody was told of are there, and what was done is done or undone as its walk says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Dice, Sim};
use factum::{Error, Event, Result, Update};
use serde::{Deserialize, Serialize};

use crate::disk::{self, History, Left};
use crate::places::{Place, Scene, play};
use crate::rules;
use crate::world::{Go, How, Oops, What, Work, World, aborted, by_output, plain, undone};

const RUN: &str = "m";

/// The steps that may fail; of the last one, behind a commit, only an operator can help.
const FAULTS: [&str; 5] = ["none", "begun", "page 0", "page 2", "kept"];

/// Steps with undos, turns with itself, a wait, deadlines of its own and of groups, and a commit. Its data is what was done.
#[fsm(error = Oops, app = World)]
#[group(Open, timeout("60s" => Late { did: state.did() }))]
#[group(Reading, parent(Open), accepts(Go), timeout("30s" => Late { did: state.did() }))]
#[defer]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Swept {
    #[initial]
    #[next(Page)]
    #[parent(Open)]
    Begun { fault: u32 },
    #[next(Page, Paid)]
    #[parent(Reading)]
    #[timeout("8s" => Page { fault: state.fault, n: state.n + 1, did: state.did })]
    Page { fault: u32, n: u32, did: Vec<String> },
    #[commit]
    #[next(Done)]
    #[ignore(Go)]
    Paid { fault: u32, did: Vec<String> },
    #[terminal]
    Done { did: Vec<String> },
    #[terminal]
    Late { did: Vec<String> },
}

impl Swept {
    fn did(&self) -> Vec<String> {
        match self {
            Swept::Begun { .. } => Vec::new(),
            Swept::Page { did, .. } | Swept::Paid { did, .. } | Swept::Done { did } | Swept::Late { did } => {
                did.clone()
            }
        }
    }
}

fn work(fault: u32, label: &str, millis: u64) -> Work {
    let how = if FAULTS[fault as usize] == label { How::Refused } else { How::Flaky };
    Work { label: label.to_owned(), how, millis }
}

#[state]
async fn begun(swept::Begun { fault }: swept::Begun) -> Result<Next<swept::Begun>, Oops> {
    let did = undone(work(fault, "begun", 0)).await?;
    Ok(go(swept::Page { fault, n: 0, did: vec![did] }))
}

#[state]
async fn page(swept::Page { fault, n, mut did }: swept::Page) -> Result<Next<swept::Page>, Oops> {
    match n {
        0 => {
            did.push(undone(work(fault, "page 0", 5)).await?);
            signal::<Go>().await;
        }
        // Out of time, with one step done and another in the air.
        1 => {
            undone(work(fault, "lost 1", 0)).await?;
            aborted(work(fault, "lost 2", 86_400_000)).await?;
        }
        2 => did.push(by_output(work(fault, "page 2", 0)).await?),
        _ => return Ok(go(swept::Paid { fault, did })),
    }
    Ok(go(swept::Page { fault, n: n + 1, did }))
}

#[state]
async fn paid(swept::Paid { fault, mut did }: swept::Paid) -> Result<Next<swept::Paid>, Oops> {
    did.push(plain(work(fault, "paid", 0)).await?);
    did.push(undone(work(fault, "kept", 0)).await?);
    Ok(go(swept::Done { did }))
}

/// What callers were told.
#[derive(Debug, Default)]
pub struct Told {
    opened: bool,
    started: bool,
    signalled: bool,
    /// The last state that somebody saw.
    state: Option<(u32, Swept)>,
    ended: bool,
}

impl Scene for Swept {
    const VARIABLE: &'static str = "FACTUM_STATE";
    const FAULTS: usize = FAULTS.len();
    const RUNS: &'static [&'static str] = &[RUN];
    const STRIDE: u64 = 2;
    const RECOVERY: usize = 150;
    const LEAST: u64 = 20;

    type Told = Told;
    type Seen = (Swept, History);

    async fn process(sim: &Sim, world: &World, place: Place, told: &Mutex<Told>) -> Result<(Swept, History)> {
        process(sim, world, place.fault, told).await
    }

    fn has_opened(told: &Told) -> bool {
        told.opened
    }

    /// Sometimes for so long that a deadline goes by.
    fn away(dice: &mut Dice) -> Duration {
        Duration::from_secs([0, 0, 10, 31, 70][dice.below(5)])
    }

    fn kept(told: &Told, now: &Left) {
        kept(told, now);
    }

    fn judge(place: Place, (state, history): &(Swept, History), world: &World) {
        judge(place.fault, state, history, world);
    }
}

/// One process: starts the machine, sends it what it waits for, looks at each of its states, and waits for its end.
async fn process(sim: &Sim, world: &World, fault: u32, told: &Mutex<Told>) -> Result<(Swept, History)> {
    told.lock().unwrap().opened = false;
    let engine = disk::builder().app(world.clone()).fsm::<Swept>().sim(sim).open().await?;
    told.lock().unwrap().opened = true;
    let run = engine.start(swept::Begun { fault }).id(RUN).await?;
    told.lock().unwrap().started = true;
    match engine.signal(RUN, Go { n: 7 }).sender_id("once").await {
        Ok(()) => told.lock().unwrap().signalled = true,
        Err(Error::NotActive { .. }) => {}
        Err(other) => return Err(other),
    }
    let mut watch = run.watch();
    while let Some(update) = watch.next().await {
        match update {
            Update::State(entered) => {
                let now = (entered.visit(), entered.decode::<Swept>()?);
                let mut told = told.lock().unwrap();
                match &told.state {
                    Some(before) if before.0 == now.0 => assert_eq!(*before, now, "a state is another one"),
                    Some(before) => assert!(before.0 < now.0, "{now:?} after {before:?}"),
                    None => {}
                }
                told.state = Some(now);
            }
            Update::Status(factum::Status::Stuck) => {
                assert_eq!(fault as usize, FAULTS.len() - 1);
                engine.abandon(RUN, "enough").await?;
            }
            Update::Status(_) | Update::Progress(_) => {}
            other => panic!("{other:?}"),
        }
    }
    told.lock().unwrap().ended = true;
    let state = engine.state::<Swept>(RUN).await?;
    let history = disk::history(&engine.history(RUN).await?);
    engine.shutdown().await?;
    Ok((state, history))
}

/// What was acknowledged is on the disk.
fn kept(told: &Told, now: &Left) {
    let empty = History::new();
    let run = now.runs.get(RUN).unwrap_or(&empty);
    assert!(!told.started || !run.is_empty(), "an acknowledged start is lost");
    let last = run.iter().rev().find_map(|(_, event)| match event {
        Event::StateEntered { visit, value, .. } => {
            Some((*visit, serde_json::from_slice(value.bytes().unwrap()).unwrap()))
        }
        _ => None,
    });
    if let Some(seen) = told.state.as_ref().filter(|(visit, _)| *visit > 0) {
        let last: &(u32, Swept) = last.as_ref().expect("a state that was seen is lost");
        assert!(last.0 > seen.0 || last == seen, "{seen:?} was seen, and the disk has {last:?}");
    }
    let ended = run.iter().any(|(_, event)| matches!(event, Event::RunCompleted { .. } | Event::RunFailed { .. }));
    // It came in this state, or the state's record has its sender: those before are gone.
    let received = run.iter().any(|(_, event)| match event {
        Event::SignalReceived { .. } => true,
        Event::StateEntered { carried, .. } => carried.senders.iter().any(|(_, sender)| sender == "once"),
        _ => false,
    });
    assert!(!told.signalled || received || ended, "a signal is lost");
    assert!(!told.ended || ended, "an end is lost");
}

/// What was done stands if the machine's data says so, and is undone otherwise.
fn judge(fault: u32, state: &Swept, history: &History, world: &World) {
    let broken = rules::broken(&disk::events(history));
    assert!(broken.is_empty(), "{broken:#?}");
    let Some((_, end)) = history.last() else { panic!("nothing happened") };
    let completed = matches!(end, Event::RunCompleted { .. });
    let committed = matches!(state, Swept::Paid { .. } | Swept::Done { .. });
    match state {
        // A page may be out of time when nobody was there.
        Swept::Done { did } => {
            assert!(did.iter().filter(|did| !did.starts_with("page")).eq(["begun", "paid", "kept"]));
        }
        Swept::Late { .. } => {}
        _ => assert!(!completed && fault > 0, "{state:?}"),
    }
    let did: BTreeSet<String> = state.did().into_iter().collect();
    let mut last: BTreeMap<String, What> = BTreeMap::new();
    for act in world.acts() {
        last.insert(act.label, act.what);
    }
    for (label, what) in &last {
        let wanted = (completed || committed) && did.contains(label) || label == "paid";
        assert_eq!(*what == What::Do, wanted, "`{label}` of {state:?}, which ended as {end}: {:#?}", world.acts());
    }
    for label in &did {
        assert!(last.contains_key(label), "`{label}` of {state:?} was never done");
    }
}

#[test]
fn wherever_the_process_of_a_machine_ends_its_states_are_kept_and_what_was_done_is_done_or_undone() {
    play::<Swept>();
}
