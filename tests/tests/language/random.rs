//! Random sagas, each with random ends of its process, against the model.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::testing::{Dice, Loss, Sim};
use factum::{Error, Event, Result};

use crate::disk::{History, Left, written};
use crate::interpret::interpret;
use crate::tree::{Node, draw, smaller, waits};
use crate::world::{Go, World, undone};
use crate::{disk, model, rules};

/// How many sagas are tried unless more are asked for.
const TREES: u64 = 300;
/// When every simulation begins.
const BEGINNING: Duration = Duration::from_secs(1_767_225_600);
/// The one run.
const RUN: &str = "r";

/// What happens to one saga from outside.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub machine: u64,
    /// At which operation of the disk each process ends, and what is lost then.
    pub ends: Vec<(u64, Option<Loss>)>,
    /// When the run is sent a signal.
    pub signals: Vec<u64>,
    /// When it is cancelled.
    pub cancel: Option<u64>,
    /// When it is paused; it is resumed when everything else has happened.
    pub pause: Option<u64>,
    /// When the engine is shut down, to be opened again.
    pub park: Option<u64>,
    /// When the run fails if it has not ended.
    pub deadline: Option<u64>,
}

/// What comes from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Signal(u32),
    Cancel,
    Pause,
    Park,
}

impl Plan {
    fn draw(dice: &mut Dice, signals: usize) -> Plan {
        let ends = dice.below(5);
        let moment = |dice: &mut Dice| [0, 10, 60, 500, 2_000, 15_000, 40_000][dice.below(7)] + dice.below(20) as u64;
        let some = |dice: &mut Dice| (dice.below(4) == 0).then(|| moment(dice));
        Plan {
            machine: dice.draw(),
            ends: (0..ends)
                .map(|_| (dice.below(90) as u64, Loss::ALL.get(dice.below(Loss::ALL.len() + 1)).copied()))
                .collect(),
            signals: (0..signals).map(|_| moment(dice)).collect(),
            cancel: some(dice),
            pause: some(dice),
            park: some(dice),
            deadline: some(dice),
        }
    }

    /// What comes from outside, and when.
    fn says(&self) -> Vec<(u64, Says)> {
        let mut says: Vec<(u64, Says)> =
            (0..).zip(&self.signals).map(|(n, millis)| (*millis, Says::Signal(n))).collect();
        says.extend(self.cancel.map(|millis| (millis, Says::Cancel)));
        says.extend(self.pause.map(|millis| (millis, Says::Pause)));
        says.extend(self.park.map(|millis| (millis, Says::Park)));
        says.sort_unstable();
        says
    }
}

/// What callers were told.
#[derive(Debug, Default)]
struct Told {
    /// By the present process: everything that was there is durable.
    opened: bool,
    started: bool,
    signals: BTreeSet<u32>,
    cancelled: bool,
    paused: bool,
    /// It was shut down once.
    parked: bool,
    ended: Option<Event>,
}

impl Told {
    /// What was said is acknowledged.
    fn hear(&mut self, says: Says) {
        match says {
            Says::Signal(n) => drop(self.signals.insert(n)),
            Says::Cancel => self.cancelled = true,
            Says::Pause => self.paused = true,
            Says::Park => {}
        }
    }
}

/// One process: starts the run, sends it what it is to be sent, and waits for its end; nothing if it is shut down before.
async fn work(sim: &Sim, world: &World, nodes: &[Node], plan: &Plan, told: &Mutex<Told>) -> Result<Option<History>> {
    told.lock().unwrap().opened = false;
    let engine = disk::builder().app(world.clone()).saga(interpret).step(undone).sim(sim).open().await?;
    told.lock().unwrap().opened = true;
    let start = engine.start(interpret(nodes.to_vec())).id(RUN);
    let run = match plan.deadline {
        Some(millis) => start.deadline(SystemTime::UNIX_EPOCH + BEGINNING + Duration::from_millis(millis)).await?,
        None => start.await?,
    };
    told.lock().unwrap().started = true;
    for (millis, says) in plan.says() {
        sim.sleep(Duration::from_millis(millis).saturating_sub(sim.elapsed())).await;
        let answer = match says {
            Says::Signal(n) => engine.signal(RUN, Go { n }).sender_id(n.to_string()).await,
            Says::Cancel => engine.cancel(RUN).await,
            Says::Pause if told.lock().unwrap().paused => Ok(()),
            Says::Pause => engine.pause(RUN, "a while").await,
            Says::Park if told.lock().unwrap().parked => Ok(()),
            Says::Park => {
                engine.shutdown().await?;
                told.lock().unwrap().parked = true;
                return Ok(None);
            }
        };
        match answer {
            Ok(()) => told.lock().unwrap().hear(says),
            Err(Error::NotActive { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    let outcome = loop {
        match run.outcome().await? {
            Outcome::Paused(_) => engine.resume(RUN).await?,
            other => break other,
        }
    };
    let history = disk::history(&engine.history(RUN).await?);
    if !matches!(outcome, Outcome::Completed(_) | Outcome::Failed(_) | Outcome::Cancelled(_)) {
        panic!("{outcome:?}: {}", written(&history));
    }
    told.lock().unwrap().ended = history.last().map(|(_, event)| event.clone());
    engine.shutdown().await?;
    Ok(Some(history))
}

/// What was acknowledged is on the disk.
fn kept(told: &Told, now: &Left) {
    let empty = History::new();
    let now = now.runs.get(RUN).unwrap_or(&empty);
    let count = |is: fn(&Event) -> bool| now.iter().filter(|(_, event)| is(event)).count();
    assert!(!told.started || !now.is_empty(), "an acknowledged start is lost");
    let received = count(|event| matches!(event, Event::SignalReceived { .. }));
    assert!(received >= told.signals.len(), "an acknowledged signal is lost");
    assert!(!told.cancelled || count(|event| matches!(event, Event::CancelRequested { .. })) > 0, "a cancel is lost");
    assert!(!told.paused || count(|event| matches!(event, Event::Paused { .. })) > 0, "a pause is lost");
    let end = now.last().map(|(_, event)| event);
    assert!(told.ended.is_none() || told.ended.as_ref() == end, "an end is lost");
}

/// One saga to its end. What is wrong with it, if anything is.
pub fn attempt(nodes: &[Node], plan: &Plan) -> std::result::Result<(), String> {
    let sim = Sim::new(plan.machine);
    // All waits together are far shorter: more means that nothing comes of it any more.
    sim.set_patience(Duration::from_secs(3_600));
    let world = World::new(&sim);
    let told = Mutex::new(Told::default());
    let mut before = Left::default();
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let mut ends = plan.ends.iter();
        let mut cached = false;
        loop {
            let end = ends.next();
            sim.disk().crash_at(end.map_or(u64::MAX, |(at, _)| *at));
            if let Some(done) = sim.run_until_down(work(&sim, &world, nodes, plan, &told)) {
                before.not_again(&world);
                match done.unwrap() {
                    Some(history) => break history,
                    // The engine was shut down, and this end did not come.
                    None => continue,
                }
            }
            match end.and_then(|(_, loss)| *loss) {
                Some(loss) => sim.crash(loss),
                None => sim.kill(),
            }
            let now = Left::look(&sim, &world, &[RUN]);
            let told = told.lock().unwrap();
            // A process that was killed may leave what only the cache holds, until the next one has opened.
            if told.opened || !cached {
                kept(&told, &now);
                now.kept(&before);
                before.not_again(&world);
            }
            cached = end.is_some_and(|(_, loss)| loss.is_none()) || cached && !told.opened;
            before = now;
        }
    }));
    let history = tried.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        sim.kill();
        format!("{text}{}", written(&Left::look(&sim, &world, &[RUN]).runs[RUN]))
    })?;
    let mut broken = rules::broken(&disk::events(&history));
    broken.extend(model::judge(nodes, &disk::events(&history), &world.acts()));
    match broken.is_empty() {
        true => Ok(()),
        false => Err(format!("{broken:#?}{}\n  in the world: {:?}", written(&history), world.acts())),
    }
}

/// A saga of a seed, and what happens to it.
fn case(seed: u64) -> (Vec<Node>, Plan) {
    let mut dice = Dice(seed);
    let nodes = draw(&mut dice);
    let plan = Plan::draw(&mut dice, waits(&nodes));
    (nodes, plan)
}

/// The smallest saga near this one that still fails, with the plan that shows it.
fn shrink(mut nodes: Vec<Node>, mut plan: Plan, mut said: String) -> (Vec<Node>, Plan, String) {
    let mut dice = Dice(plan.machine);
    'smaller: loop {
        for less in smaller(&nodes) {
            let plans = (0..12).map(|n| if n == 0 { plan.clone() } else { Plan::draw(&mut dice, waits(&less)) });
            for mut other in plans.collect::<Vec<_>>() {
                other.signals.truncate(waits(&less));
                if let Err(why) = attempt(&less, &other) {
                    (nodes, plan, said) = (less, other, why);
                    continue 'smaller;
                }
            }
        }
        return (nodes, plan, said);
    }
}

fn judge(seed: u64) {
    let (nodes, plan) = case(seed);
    if let Err(said) = attempt(&nodes, &plan) {
        eprintln!("FACTUM_TREE={seed}: {said}\n{nodes:#?}\n{plan:?}");
        let (nodes, plan, said) = shrink(nodes, plan, said);
        panic!("FACTUM_TREE={seed}, made smaller: {said}\n{nodes:#?}\n{plan:?}");
    }
}

#[test]
fn random_sagas_do_what_their_model_allows_wherever_the_process_ends() {
    if let Ok(seed) = std::env::var("FACTUM_TREE") {
        return judge(seed.parse().unwrap());
    }
    let trees = std::env::var("FACTUM_TREES").ok().and_then(|trees| trees.parse().ok()).unwrap_or(TREES);
    let next = AtomicU64::new(0);
    // Simulated machines are independent of each other: one for each processor.
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= trees {
                        return;
                    }
                    judge(seed);
                }
            });
        }
    });
}
