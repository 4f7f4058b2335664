//! What must hold wherever a process ends: at each operation of the simulated disk, at many moments on the real one.

use std::sync::Mutex;

use factum::prelude::*;
use factum::testing::Dice;
use factum::{Builder, Engine, Event, Status};

use crate::machine::{Machine, Made};
use crate::world::{Oops, World, acts, does, refuses};

#[saga(app = World)]
async fn three_steps() -> Result<u32, Oops> {
    does("first".to_owned()).await?;
    does("second".to_owned()).await?;
    refuses().await?;
    Ok(3)
}

#[saga(app = World)]
async fn child(what: String) -> Result<String, Oops> {
    acts("child's").await;
    Ok(what)
}

#[saga(app = World)]
async fn parent() -> Result<String, Oops> {
    acts("parent's").await;
    let child = spawn(child("said".to_owned())).id("child").await;
    match child.await {
        Ok(said) => Ok(said),
        Err(error) => Err(Oops::Failed(error.to_string())),
    }
}

#[saga(app = World)]
async fn never_ends() -> Result<(), Oops> {
    does("child's own".to_owned()).await?;
    sleep(days(9)).await;
    Ok(())
}

#[saga(app = World)]
async fn loser() -> Result<u32, Oops> {
    does("lost 1".to_owned()).await?;
    does("lost 2".to_owned()).await?;
    sleep(days(9)).await;
    Ok(0)
}

#[saga(app = World)]
async fn part(name: String) -> Result<u32, Oops> {
    does(format!("{name} 1")).await?;
    does(format!("{name} 2")).await?;
    Ok(2)
}

/// One turn after another, then much at once, and in the end it fails.
#[saga(app = World)]
async fn whole(turn: u32) -> Result<u32, Oops> {
    does(format!("turn {turn}")).await?;
    if turn < 2 {
        return again(whole(turn + 1)).await;
    }
    let _linked = spawn(never_ends()).linked().id("linked").await;
    match race((loser(), part("won".to_owned()))).await {
        First(n) => n?,
        Second(n) => n?,
    };
    let (a, b, c) = join((part("a".to_owned()), does("b".to_owned()), sleep(millis(1)))).await;
    let (_, _, ()) = (a?, b?, c);
    refuses().await?;
    Ok(turn)
}

fn with(builder: Builder<World>) -> Builder<World> {
    builder.saga(three_steps).saga(parent).saga(child).saga(never_ends).saga(whole).poison_after(1_000)
}

/// Ends a process at every moment of some work, and judges what the next one makes of it.
fn sweep(made: Made, work: impl AsyncFn(&Engine), judge: impl AsyncFn(&Machine, &Engine, &[String])) {
    let mut is_done = false;
    for moment in made.moments() {
        let m = Machine::new(made, moment);
        // What the processes were told before they ended.
        let told = Mutex::new(Vec::new());
        let process = async || {
            // What is polled when the machine goes down sees the errors of its disk.
            let engine = m.try_open(with).await.ok()?;
            told.lock().unwrap().push("opened".to_owned());
            work(&engine).await;
            told.lock().unwrap().push("done".to_owned());
            Some(engine)
        };
        is_done |= matches!(m.run_until_crash(moment, process()), Some(Some(_)));
        // The next one ends, too: in its recovery, or behind it.
        drop(m.run_until_crash(Dice(moment).below(60) as u64, process()));
        m.run(async {
            let engine = m.open(with).await;
            work(&engine).await;
            let told = told.lock().unwrap().clone();
            judge(&m, &engine, &told).await;
            engine.shutdown().await.unwrap();
        });
        // Where time is what it is, the next moment may come sooner.
        if is_done && matches!(made, Made::Simulated) {
            return;
        }
    }
    assert!(matches!(made, Made::Real), "it has not come to its end");
}

pub fn rule_02_an_outcome_and_what_follows_from_it_are_one_record(made: Made) {
    let work = async |engine: &Engine| {
        let run = engine.start(three_steps()).id("r").await.ok();
        if let Some(run) = run {
            let _ = run.outcome().await;
        }
    };
    sweep(made, work, async |m, engine, told| {
        let info = engine.attach(three_steps, "r").await.unwrap().info();
        assert_eq!(info.status, Status::Failed);
        let history = engine.history("r").await.unwrap();
        // What was recorded as done was not attempted behind that, and the way is forward, then back.
        let mut done = Vec::new();
        let mut back = false;
        for entry in history.iter() {
            match &entry.event {
                Event::StepAttempted { at, .. } => {
                    assert!(!done.contains(at) && !back, "{at} again: {history:?} {told:?}");
                }
                Event::StepDone { at, .. } | Event::StepFailed { at, .. } => done.push(at.clone()),
                Event::RollbackDecided { .. } => {
                    assert!(!back);
                    back = true;
                }
                _ => {}
            }
        }
        let crashes = history.iter().filter(|entry| matches!(entry.event, Event::Recovered { .. })).count();
        for what in ["first", "second", "refuses", "undo second", "undo first"] {
            let count = m.world.count(what);
            assert!((1..=1 + crashes).contains(&count), "{what} {count} times: {:?}", m.world.done());
        }
        // A failed step and the decision to roll back are adjacent: one group.
        let at = history.iter().position(|entry| matches!(entry.event, Event::StepFailed { .. })).unwrap();
        assert!(matches!(history[at + 1].event, Event::RollbackDecided { .. }), "{history:?}");
        assert_eq!(history[at + 1].lsn.0, history[at].lsn.0 + 1);
    });
}

pub fn a_childs_start_and_its_parents_record_are_one_write(made: Made) {
    let work = async |engine: &Engine| {
        let run = engine.start(parent()).id("r").await.ok();
        if let Some(run) = run {
            let _ = run.outcome().await;
        }
    };
    sweep(made, work, async |m, engine, told| {
        assert_eq!(engine.run(parent()).id("r").await.unwrap(), "said", "{told:?}");
        let (parents, childs) = (engine.history("r").await.unwrap(), engine.history("child").await.unwrap());
        let started: Vec<_> =
            parents.iter().filter(|entry| matches!(entry.event, Event::ChildStarted { .. })).collect();
        let begun: Vec<_> = childs.iter().filter(|entry| matches!(entry.event, Event::RunStarted { .. })).collect();
        assert_eq!((started.len(), begun.len()), (1, 1));
        // Had there been one without the other, the next process would have recorded the other later.
        assert!(started[0].lsn.0.abs_diff(begun[0].lsn.0) <= 2, "{started:?} {begun:?}");
        let crashes = childs.iter().filter(|entry| matches!(entry.event, Event::Recovered { .. })).count();
        assert!(m.world.count("child's") <= 1 + crashes, "{:?}", m.world.done());
    });
}

/// What was done and what was undone of each, in the order in which it happened.
fn undone(m: &Machine) {
    let done = m.world.done();
    let names = done.iter().filter_map(|what| what.strip_prefix("undo "));
    for name in names.clone() {
        let last = done.iter().rposition(|what| what == name);
        let undo = done.iter().rposition(|what| what.strip_prefix("undo ") == Some(name));
        assert!(last < undo, "{name} was done behind its undo: {done:?}");
    }
    let undos = names.count();
    let found_out = done.iter().filter(|what| what.starts_with("find out")).count();
    for what in
        done.iter().filter(|what| !what.contains("undo ") && !what.contains("find out") && !what.contains("with "))
    {
        let is = |prefix: &str| done.iter().any(|done| done.strip_prefix(prefix) == Some(what.as_str()));
        assert!(
            what == "refuses" || is("undo ") || is("find out about "),
            "{what} stays: {done:?} {undos} {found_out}"
        );
    }
}

/// With turns, branches, a race and a linked child in it, what fails is undone to the last of it.
pub fn whatever_fails_is_undone_wherever_the_process_ends(made: Made) {
    let work = async |engine: &Engine| {
        let run = engine.start(whole(0)).id("r").await.ok();
        if let Some(run) = run {
            let _ = run.outcome().await;
        }
    };
    sweep(made, work, async |m, engine, told| {
        let info = engine.attach(whole, "r").await.unwrap().info();
        assert_eq!(info.status, Status::Failed, "{info:?} {told:?}");
        undone(m);
        let history = engine.history("r").await.unwrap();
        let mut undos: Vec<String> = Vec::new();
        for entry in history.iter() {
            if let Event::CompensationDone { of, .. } = &entry.event {
                assert!(!undos.contains(&of.to_string()), "{of} was undone twice: {history:?}");
                undos.push(of.to_string());
            }
        }
        let decided = history.iter().filter(|entry| matches!(entry.event, Event::BranchWon { .. })).count();
        assert_eq!(decided, 1, "{history:?}");
        assert_eq!(engine.attach(never_ends, "linked").await.unwrap().info().status, Status::Cancelled);
    });
}

/// The same when somebody cancels it.
pub fn whatever_is_cancelled_is_undone_wherever_the_process_ends(made: Made) {
    let work = async |engine: &Engine| {
        if let Ok(run) = engine.start(never_ends()).id("r").await {
            let _ = engine.cancel("r").await;
            let _ = run.outcome().await;
        }
    };
    sweep(made, work, async |m, engine, told| {
        let info = engine.attach(never_ends, "r").await.unwrap().info();
        assert_eq!(info.status, Status::Cancelled, "{info:?} {told:?}");
        undone(m);
        let history = engine.history("r").await.unwrap();
        let asked = history.iter().filter(|entry| matches!(entry.event, Event::CancelRequested { .. })).count();
        assert_eq!(asked, 1, "{history:?}");
    });
}

#[saga(app = World)]
async fn never_awaited() -> Result<u32, Oops> {
    acts("never").await;
    Ok(0)
}

pub fn what_was_acknowledged_is_there_wherever_the_process_ends(made: Made) {
    for moment in made.moments().into_iter().step_by(7) {
        let m = Machine::new(made, moment);
        let told = Mutex::new(Vec::new());
        let all = |b| with(b).saga(never_awaited);
        m.run_until_crash(moment, async {
            let Ok(engine) = m.try_open(all).await else { return };
            for n in 0..40 {
                let id = format!("r{n}");
                if engine.start(never_awaited()).id(id.clone()).await.is_ok() {
                    told.lock().unwrap().push(id);
                }
            }
        });
        m.run(async {
            let engine = m.open(all).await;
            let told = told.lock().unwrap().clone();
            for id in told {
                assert!(engine.attach(never_awaited, &id).await.is_ok(), "{id} was acknowledged");
            }
            engine.shutdown().await.unwrap();
        });
    }
}
