//! What the next process finds, and what it does not do again.

use std::time::Duration;

use factum::prelude::*;
use factum::{Error, Event, Failure, Status, Uuid};
use serde::{Deserialize, Serialize};

use crate::machine::{Machine, events, outcome, recorded};
use crate::world::{Go, Oops, World, acts, bodies_begun, body_begins, does, refuses};

#[saga(app = World)]
async fn two_steps() -> String {
    acts("first").await + &acts("second").await
}

#[step(retry(attempts = 3, initial = "1ms", max = "2ms"))]
async fn tries(io: &mut Io<World>) -> Result<u32, Oops> {
    io.app().perform("tries").await.map(|()| io.attempt())
}

#[saga(app = World)]
async fn tried() -> Result<u32, Oops> {
    let attempt = tries().await?;
    acts("behind").await;
    Ok(attempt)
}

#[saga(app = World)]
async fn handles_an_error() -> Result<String, Oops> {
    let error = does("first".to_owned()).await.unwrap_err();
    acts("behind").await;
    Ok(error.to_string())
}

#[step(timeout = "10ms", retry(attempts = 2, initial = "1ms"))]
async fn slow(io: &mut Io<World>) -> Result<u32, Oops> {
    io.app().perform("slow").await.map(|()| io.attempt())
}

#[saga(app = World)]
async fn patient() -> Result<u32, Oops> {
    let attempt = slow().await?;
    acts("behind").await;
    Ok(attempt)
}

#[saga(app = World)]
async fn waits() -> u32 {
    acts("first").await;
    let Go(n) = signal::<Go>().await;
    n
}

#[saga(app = World)]
async fn many_steps(name: String) -> u32 {
    body_begins(&name);
    for _ in 0..20 {
        acts("one of many").await;
    }
    acts("last").await;
    20
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tally {
    turn: u32,
    keys: Vec<String>,
    rate: f64,
}

#[saga(app = World)]
async fn turns(mut tally: Tally) -> Tally {
    let (first, second) = (acts("step").await, acts("step").await);
    tally.keys.extend([first, second]);
    if tally.turn == 3 {
        return tally;
    }
    tally.turn += 1;
    acts("turned").await;
    again(turns(tally)).await
}

#[saga(app = World)]
async fn loops() -> Vec<String> {
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(acts("step").await);
    }
    keys
}

#[saga(app = World)]
async fn draws(name: String) -> (String, Uuid, u64) {
    let drawn = (name, uuid().await, random::<u64>().await);
    acts("drawn").await;
    drawn
}

pub async fn the_row_of_a_start_is_durable_before_the_body(m: &Machine) {
    let engine = m.open(|b| b.saga(two_steps)).await;
    m.world.hold("first");
    // Nobody was told that it was started; but something was done.
    let start = engine.start(two_steps()).id("r");
    let waiting = std::future::IntoFuture::into_future(start);
    tokio::select! {
        biased;
        () = m.world.happened("first", 1) => {}
        started = waiting => { started.unwrap(); m.world.happened("first", 1).await; }
    }
    m.crash(engine).await;
    m.world.let_go("first");
    let engine = m.open(|b| b.saga(two_steps)).await;
    let ended = outcome(&engine, two_steps, "r").await;
    assert!(matches!(ended, Outcome::Completed(_)), "{ended:?}");
    engine.shutdown().await.unwrap();
}

pub async fn relaunch_resumes_at_the_step_after_the_last_recorded(m: &Machine) {
    let engine = m.open(|b| b.saga(two_steps)).await;
    m.world.hold("second");
    engine.start(two_steps()).id("r").await.unwrap();
    m.world.happened("second", 1).await;
    m.crash(engine).await;
    m.world.let_go("second");
    let engine = m.open(|b| b.saga(two_steps)).await;
    outcome(&engine, two_steps, "r").await;
    assert_eq!((m.world.count("first"), m.world.count("second")), (1, 2));
    assert_eq!(recorded(&engine, "r", "step done").await, 2);
    engine.shutdown().await.unwrap();
}

pub async fn a_failed_step_replays_its_recorded_error(m: &Machine) {
    let engine = m.open(|b| b.saga(handles_an_error)).await;
    m.world.fail("first", 1);
    m.world.hold("behind");
    engine.start(handles_an_error()).id("r").await.unwrap();
    m.world.happened("behind", 1).await;
    m.crash(engine).await;
    m.world.let_go("behind");
    let engine = m.open(|b| b.saga(handles_an_error)).await;
    match outcome(&engine, handles_an_error, "r").await {
        Outcome::Completed(run) => assert_eq!(run.output(), "first"),
        other => panic!("{other:?}"),
    }
    assert_eq!(m.world.count("first"), 1, "it would succeed now, and is not asked again");
    engine.shutdown().await.unwrap();
}

pub async fn all_attempts_of_a_step_have_one_outcome(m: &Machine) {
    let engine = m.open(|b| b.saga(tried)).await;
    m.world.fail("tries", 2);
    m.world.hold("behind");
    engine.start(tried()).id("r").await.unwrap();
    m.world.happened("behind", 1).await;
    m.crash(engine).await;
    m.world.let_go("behind");
    let engine = m.open(|b| b.saga(tried)).await;
    assert_eq!(engine.run(tried()).id("r").await.unwrap(), 3);
    assert_eq!(m.world.count("tries"), 3);
    let names: Vec<_> = events(&engine, "r").await.into_iter().take(6).collect();
    let tries = ["step attempted", "attempt failed", "step attempted", "attempt failed", "step attempted"];
    assert_eq!(names[1..], tries, "{names:?}");
    assert_eq!(recorded(&engine, "r", "step done").await, 2);
    engine.shutdown().await.unwrap();
}

pub async fn only_the_first_outcome_of_a_step_is_recorded(m: &Machine) {
    let engine = m.open(|b| b.saga(patient)).await;
    m.world.hold_from("slow", 1);
    let run = engine.start(patient()).id("r").await.unwrap();
    m.world.happened("slow", 1).await;
    // The first attempt hangs until its time is out; what it would have come to is nobody's.
    m.world.happened("slow", 2).await;
    m.world.let_go("slow");
    let ended = run.outcome().await.unwrap();
    let ends =
        events(&engine, "r").await.into_iter().filter(|name| name.starts_with("step ") && *name != "step attempted");
    let ends: Vec<_> = ends.collect();
    match ended {
        Outcome::Completed(run) => assert_eq!((*run.output(), ends), (2, vec!["step done", "step done"])),
        // The second was as slow by the clock of this machine.
        Outcome::Failed(run) => {
            assert_eq!((run.failure(), ends), (&Failure::Error(Oops::TimedOut), vec!["step failed"]))
        }
        other => panic!("{other:?}"),
    }
    engine.shutdown().await.unwrap();
}

pub async fn a_replay_runs_nothing_and_writes_nothing(m: &Machine) {
    let engine = m.open(|b| b.saga(waits)).await;
    let run = engine.start(waits()).id("r").await.unwrap();
    m.until(|| run.info().status == Status::Waiting).await;
    // The outcome of the step before the wait is on the disk.
    let mut known = events(&engine, "r").await;
    while !known.contains(&"step done") {
        m.rest().await;
        known = events(&engine, "r").await;
    }
    m.crash(engine).await;
    for _ in 0..3 {
        let engine = m.open(|b| b.saga(waits)).await;
        let run = engine.attach(waits, "r").await.unwrap();
        m.until(|| run.info().status == Status::Waiting).await;
        assert_eq!(events(&engine, "r").await, known);
        m.crash(engine).await;
    }
    assert_eq!(m.world.done(), ["first"]);
    let engine = m.open(|b| b.saga(waits)).await;
    engine.signal("r", Go(5)).await.unwrap();
    assert_eq!(engine.run(waits()).id("r").await.unwrap(), 5);
    engine.shutdown().await.unwrap();
}

pub async fn a_terminal_state_is_never_resurrected(m: &Machine) {
    let engine = m.open(|b| b.saga(two_steps).saga(handles_an_error)).await;
    engine.run(two_steps()).id("r").await.unwrap();
    let known = events(&engine, "r").await;
    let mut engine = Some(engine);
    for _ in 0..2 {
        if let Some(engine) = engine.take() {
            m.crash(engine).await;
        }
        let opened = m.open(|b| b.saga(two_steps).saga(handles_an_error)).await;
        let run = opened.start(two_steps()).id("r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
        let other = opened.start(handles_an_error()).id("r").await.unwrap_err();
        assert!(matches!(other, Error::Conflict { .. }), "{other}");
        let refusals = [
            opened.signal("r", Go(1)).await,
            opened.cancel("r").await,
            opened.pause("r", "why").await,
            opened.resume("r").await,
            opened.retry("r").await,
            opened.abandon("r", "why").await,
        ];
        for refused in refusals {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::NotActive { .. } | Error::NotHeldUp { .. }), "{error}");
        }
        assert_eq!(events(&opened, "r").await, known);
        engine = Some(opened);
    }
    assert_eq!(m.world.done(), ["first", "second"]);
}

pub async fn cancelling_what_has_ended_changes_nothing(m: &Machine) {
    let engine = m.open(|b| b.saga(two_steps)).await;
    engine.run(two_steps()).id("r").await.unwrap();
    assert!(matches!(engine.cancel("r").await, Err(Error::NotActive { status: Status::Completed, .. })));
    m.crash(engine).await;
    let engine = m.open(|b| b.saga(two_steps)).await;
    let ended = outcome(&engine, two_steps, "r").await;
    assert!(matches!(ended, Outcome::Completed(_)), "{ended:?}");
    assert_eq!(recorded(&engine, "r", "cancel requested").await, 0);
    engine.shutdown().await.unwrap();
}

/// See also the sweep [`rule_02`](crate::sweeps::rule_02_an_outcome_and_what_follows_from_it_are_one_record).
pub async fn rule_05_the_value_of_a_state_is_the_fact(m: &Machine) {
    let engine = m.open(|b| b.saga(turns)).await;
    let begin = Tally { turn: 1, keys: Vec::new(), rate: 0.1 + 0.2 };
    m.world.hold_from("step", 3);
    engine.start(turns(begin.clone())).id("r").await.unwrap();
    m.world.happened("step", 3).await;
    m.crash(engine).await;
    m.world.let_go("step");
    let engine = m.open(|b| b.saga(turns)).await;
    // What the first turn has left is there in every bit, though its journal is gone.
    let tally = engine.run(turns(begin)).id("r").await.unwrap();
    assert_eq!((tally.turn, tally.keys.len()), (3, 6));
    assert_eq!(tally.rate.to_bits(), (0.1f64 + 0.2).to_bits());
    engine.shutdown().await.unwrap();
}

pub async fn rule_06_a_position_belongs_to_its_visit(m: &Machine) {
    let engine = m.open(|b| b.saga(turns).saga(loops)).await;
    m.world.hold_from("step", 4);
    let begin = Tally { turn: 1, keys: Vec::new(), rate: 0.0 };
    engine.start(turns(begin.clone())).id("r").await.unwrap();
    m.world.happened("step", 4).await;
    m.crash(engine).await;
    m.world.let_go("step");
    let engine = m.open(|b| b.saga(turns).saga(loops)).await;
    let tally = engine.run(turns(begin)).id("r").await.unwrap();
    assert_eq!(m.world.count("step"), 6 + 1, "no turn has skipped what an earlier one did");
    let mut keys = tally.keys;
    keys.extend(engine.run(loops()).id("s").await.unwrap());
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!((count, keys.len()), (9, 9), "each visit has keys of its own");
    engine.shutdown().await.unwrap();
}

pub async fn rule_12_user_code_cannot_write_the_engines_records(m: &Machine) {
    #[step(name = "run completed")]
    async fn forged(io: &mut Io<World>) -> serde_json::Value {
        io.app().act("forged");
        serde_json::json!({ "event": "run completed", "kind": 20, "output": "forged", "$blob": 1 })
    }

    #[saga(app = World, name = "rollback decided")]
    async fn forger() -> Result<(), Oops> {
        let said = forged().await;
        publish(&said).await;
        acts("cancel requested").await;
        refuses().await
    }

    let engine = m.open(|b| b.saga(forger)).await;
    let ended = engine.start(forger()).id("run failed").await.unwrap().outcome().await.unwrap();
    assert!(matches!(ended, Outcome::Failed(_)), "{ended:?}");
    let known = events(&engine, "run failed").await;
    let own = ["run completed", "cancel requested", "run cancelled"];
    assert!(!known.iter().any(|name| own.contains(name)), "{known:?}");
    assert_eq!(known.iter().filter(|name| **name == "rollback decided").count(), 1);
    m.crash(engine).await;
    let engine = m.open(|b| b.saga(forger)).await;
    assert_eq!(events(&engine, "run failed").await, known);
    engine.shutdown().await.unwrap();
}

pub async fn rule_13_everybody_gets_the_value_that_is_bound(m: &Machine) {
    let engine = m.open(|b| b.saga(draws)).await;
    m.world.hold("drawn");
    let callers =
        (0..6).map(|_| Box::pin(std::future::IntoFuture::into_future(engine.run(draws("d".to_owned())).id("r"))));
    let mut callers: Vec<_> = callers.collect();
    let mut poll_all = Vec::new();
    for caller in &mut callers {
        tokio::select! {
            biased;
            ended = caller => poll_all.push(ended.unwrap()),
            () = m.rest() => {}
        }
    }
    assert!(poll_all.is_empty());
    m.world.happened("drawn", 1).await;
    drop(callers);
    m.crash(engine).await;
    m.world.let_go("drawn");
    let engine = m.open(|b| b.saga(draws)).await;
    let told = engine.run(draws("d".to_owned())).id("r").await.unwrap();
    for _ in 0..3 {
        assert_eq!(engine.run(draws("d".to_owned())).id("r").await.unwrap(), told);
    }
    let drawn: Vec<_> = engine.history("r").await.unwrap().iter().map(|entry| entry.event.clone()).collect();
    assert_eq!(drawn.iter().filter(|event| matches!(event, Event::ValueDrawn { .. })).count(), 2);
    engine.shutdown().await.unwrap();
}

pub async fn rule_17_places_and_keys_are_made_of_names_and_not_of_an_order(m: &Machine) {
    let engine = m.open(|b| b.saga(two_steps).saga(loops).saga(turns)).await;
    m.world.hold_from("step", 3);
    engine.start(loops()).id("r").await.unwrap();
    m.world.happened("step", 3).await;
    m.crash(engine).await;
    m.world.let_go("step");
    // Registered in another order, and with others beside it.
    let engine = m.open(|b| b.saga(turns).saga(waits).saga(loops).saga(two_steps)).await;
    let keys = engine.run(loops()).id("r").await.unwrap();
    let places: Vec<_> = engine
        .history("r")
        .await
        .unwrap()
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::StepDone { at, .. } => Some(at.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(places, ["0", "1", "2"]);
    assert_eq!(engine.run(loops()).id("r").await.unwrap(), keys);
    engine.shutdown().await.unwrap();
}

pub async fn rule_26_a_process_replays_a_run_once(m: &Machine) {
    let name = format!("{:p}", m);
    let before = bodies_begun(&name);
    let engine = m.open(|b| b.saga(many_steps)).await;
    m.world.hold("last");
    engine.start(many_steps(name.clone())).id("r").await.unwrap();
    m.world.happened("last", 1).await;
    assert_eq!(bodies_begun(&name) - before, 1, "21 steps, one body");
    m.crash(engine).await;
    m.world.let_go("last");
    let engine = m.open(|b| b.saga(many_steps)).await;
    assert_eq!(engine.run(many_steps(name.clone())).id("r").await.unwrap(), 20);
    assert_eq!(bodies_begun(&name) - before, 2, "one replay");
    engine.shutdown().await.unwrap();
}

#[step]
async fn panics(io: &mut Io<World>) -> u32 {
    io.app().act("panics");
    panic!("boom")
}

#[step(retry(attempts = 3, initial = "1ms", max = "2ms"))]
async fn panics_thrice(io: &mut Io<World>) -> u32 {
    io.app().act("panics thrice");
    panic!("boom")
}

#[saga(app = World)]
async fn panicking(kind: u32) -> Result<u32, Oops> {
    does("before".to_owned()).await?;
    match kind {
        0 => Ok(panics().await),
        1 => Ok(panics_thrice().await),
        _ => panic!("the body itself"),
    }
}

pub async fn rule_25_what_panics_is_retried_by_its_policy_and_then_has_failed_visibly(m: &Machine) {
    let engine = m.open(|b| b.saga(panicking).saga(two_steps)).await;
    for (kind, said) in [(0, "boom"), (1, "boom"), (2, "the body itself")] {
        match engine.start(panicking(kind)).await.unwrap().outcome().await.unwrap() {
            Outcome::Failed(run) => match run.failure() {
                Failure::Panicked { message } => assert_eq!(message, said),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    let counts = ["panics", "panics thrice", "undo before"].map(|what| m.world.count(what));
    assert_eq!(counts, [1, 3, 3]);
    assert!(engine.run(two_steps()).await.is_ok(), "the others go on");
    m.crash(engine).await;
    let engine = m.open(|b| b.saga(panicking).saga(two_steps)).await;
    m.pass(Duration::from_millis(5)).await;
    assert_eq!(m.world.count("panics thrice"), 3);
    engine.shutdown().await.unwrap();
}
