//! The rules about going backwards: the decision, what is undone, and that nothing stops it.

use std::time::Duration;

use factum::prelude::*;
use factum::{Error, Failure, RunError, Status};

use crate::machine::{Machine, events, outcome, recorded};
use crate::world::{Oops, World, acts, does, insists, refuses};

#[saga(app = World)]
async fn books(names: Vec<String>) -> Result<u32, Oops> {
    for name in names {
        does(name).await?;
    }
    refuses().await?;
    Ok(0)
}

#[saga(app = World)]
async fn insisting() -> Result<(), Oops> {
    does("first".to_owned()).await?;
    insists("second".to_owned()).await?;
    Ok(())
}

#[saga(app = World)]
async fn long() -> Result<(), Oops> {
    does("first".to_owned()).await?;
    sleep(days(1)).await;
    Ok(())
}

#[saga(app = World)]
async fn moves(names: Vec<String>) -> Result<(), Oops> {
    for name in names {
        does(name).await?;
    }
    acts("last").await;
    Ok(())
}

#[step(compensate = puts_back(&what))]
async fn measures(io: &mut Io<World>, what: String) -> f64 {
    io.app().act(what);
    f64::NAN
}

#[step]
async fn puts_back(io: &mut Io<World>, what: &str) {
    io.app().act(format!("put {what} back"));
}

#[saga(app = World)]
async fn measured(limit: f64) -> Result<f64, Oops> {
    does("first".to_owned()).await?;
    Ok(limit + measures("scale".to_owned()).await)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub async fn rule_01_the_decision_to_roll_back_is_a_fact(m: &Machine) {
    let engine = m.open(|b| b.saga(books)).await;
    m.world.hold("undo a");
    engine.start(books(names(&["a", "b"]))).id("r").await.unwrap();
    m.world.happened("undo a", 1).await;
    m.crash(engine).await;
    m.world.let_go("undo a");

    let engine = m.open(|b| b.saga(books)).await;
    let ended = outcome(&engine, books, "r").await;
    assert!(matches!(ended, Outcome::Failed(_)), "{ended:?}");
    for once in ["a", "b", "refuses", "undo b"] {
        assert_eq!(m.world.count(once), 1, "{once}: {:?}", m.world.done());
    }
    assert_eq!(recorded(&engine, "r", "rollback decided").await, 1);
    engine.shutdown().await.unwrap();
}

pub async fn rule_03_an_attempt_of_which_nobody_knows_has_its_own_undo(m: &Machine) {
    let engine = m.open(|b| b.saga(insisting)).await;
    m.world.hold("second");
    engine.start(insisting()).id("r").await.unwrap();
    m.world.happened("second", 1).await;
    // Its effect has taken place, and its record has not.
    m.crash(engine).await;
    m.world.fail("second", 3);
    m.world.let_go("second");

    let engine = m.open(|b| b.saga(insisting)).await;
    let ended = outcome(&engine, insisting, "r").await;
    assert!(matches!(ended, Outcome::Failed(_)), "{ended:?}");
    assert_eq!(m.world.count("second"), 4, "the crash used up no attempt: {:?}", m.world.done());
    assert_eq!(m.world.count("find out about second"), 1);
    assert_eq!((m.world.count("undo second"), m.world.count("undo first")), (0, 1));
    // Where every end is known, there is nothing to find out.
    m.world.fail("second", 3);
    assert!(engine.run(insisting()).await.is_err());
    assert_eq!(m.world.count("find out about second"), 1);
    engine.shutdown().await.unwrap();
}

pub async fn rule_04_an_undo_is_bound_to_the_occurrence_of_its_step(m: &Machine) {
    let engine = m.open(|b| b.saga(books)).await;
    m.world.hold("undo b");
    engine.start(books(names(&["a", "b", "a", "c"]))).id("r").await.unwrap();
    m.world.happened("undo b", 1).await;
    m.crash(engine).await;
    m.world.let_go("undo b");
    let engine = m.open(|b| b.saga(books)).await;
    outcome(&engine, books, "r").await;
    let mut undone = m.world.done_of("undo ");
    undone.dedup();
    assert_eq!(undone, ["undo c", "undo a", "undo b", "undo a"]);
    let mut receipts = m.world.done_of("with ");
    receipts.dedup();
    assert_eq!(receipts, ["with c's receipt", "with a's receipt", "with b's receipt", "with a's receipt"]);
    engine.shutdown().await.unwrap();
}

pub async fn rule_07_two_crashes_and_a_pause_inside_the_rollback_lose_nothing(m: &Machine) {
    let engine = m.open(|b| b.saga(books)).await;
    m.world.hold("b");
    engine.start(books(names(&["a", "b", "c"]))).id("r").await.unwrap();
    m.world.happened("b", 1).await;
    m.crash(engine).await;

    // It goes on where it stopped, and not at its head.
    m.world.let_go("b");
    m.world.hold("undo b");
    let engine = m.open(|b| b.saga(books)).await;
    m.world.happened("undo b", 1).await;
    assert_eq!(m.world.count("a"), 1);
    engine.pause("r", "lunch").await.unwrap();
    m.crash(engine).await;

    // The pause has outlived the crash, and the rollback outlives the pause.
    m.world.let_go("undo b");
    let engine = m.open(|b| b.saga(books)).await;
    let ended = outcome(&engine, books, "r").await;
    assert!(matches!(ended, Outcome::Paused(_)), "{ended:?}");
    assert_eq!(m.world.count("undo a"), 0);
    m.crash(engine).await;
    let engine = m.open(|b| b.saga(books)).await;
    engine.resume("r").await.unwrap();
    let ended = outcome(&engine, books, "r").await;
    assert!(matches!(ended, Outcome::Failed(_)), "{ended:?}");
    assert_eq!((m.world.count("undo c"), m.world.count("undo a"), m.world.count("refuses")), (1, 1, 1));
    engine.shutdown().await.unwrap();
}

pub async fn rule_10_a_value_that_cannot_be_recorded_is_an_outcome_and_is_undone(m: &Machine) {
    let engine = m.open(|b| b.saga(measured)).await;
    // Where it can be, the value is looked at before anything happens.
    let refused = engine.start(measured(f64::INFINITY)).id("never").await.unwrap_err();
    assert!(matches!(refused, Error::Unrecordable { what: "input", .. }), "{refused}");
    assert!(m.world.done().is_empty());

    m.world.hold("undo first");
    engine.start(measured(1.0)).id("r").await.unwrap();
    m.world.happened("undo first", 1).await;
    m.crash(engine).await;
    m.world.let_go("undo first");
    let engine = m.open(|b| b.saga(measured)).await;
    match outcome(&engine, measured, "r").await {
        Outcome::Failed(run) => assert!(matches!(run.failure(), Failure::Unrecordable { .. }), "{:?}", run.failure()),
        other => panic!("{other:?}"),
    }
    assert_eq!(m.world.count("scale"), 1, "what had its effect is not done again");
    assert_eq!(m.world.count("put scale back"), 1);
    engine.shutdown().await.unwrap();
}

pub async fn rule_28_the_attempts_of_an_undo_are_facts(m: &Machine) {
    let engine = m.open(|b| b.saga(books)).await;
    m.world.fail("undo a", usize::MAX);
    m.world.hold_from("undo a", 2);
    engine.start(books(names(&["a"]))).id("r").await.unwrap();
    // One has failed, and one is in the air: the crash uses up none, and gives none back.
    m.world.happened("undo a", 2).await;
    m.crash(engine).await;
    m.world.let_go("undo a");
    let engine = m.open(|b| b.saga(books)).await;
    let ended = outcome(&engine, books, "r").await;
    assert!(matches!(ended, Outcome::Stuck(_)), "{ended:?}");
    assert_eq!(m.world.count("undo a"), 3 + 1, "{:?}", m.world.done());
    assert_eq!(recorded(&engine, "r", "compensation failed").await, 3);
    // They stay so in the next process, too.
    m.crash(engine).await;
    let engine = m.open(|b| b.saga(books)).await;
    let ended = outcome(&engine, books, "r").await;
    assert!(matches!(ended, Outcome::Stuck(_)), "{ended:?}");
    assert_eq!(m.world.count("undo a"), 4);
    engine.shutdown().await.unwrap();
}

pub async fn rule_30_a_rollback_is_shielded_from_cancels(m: &Machine) {
    let engine = m.open(|b| b.saga(long).saga(moves)).await;
    m.world.hold("undo first");
    let run = engine.start(long()).id("r").await.unwrap();
    m.until(|| run.info().status == Status::Waiting).await;
    engine.cancel("r").await.unwrap();
    m.world.happened("undo first", 1).await;
    engine.cancel("r").await.unwrap();
    m.crash(engine).await;
    let engine = m.open(|b| b.saga(long).saga(moves)).await;
    m.world.happened("undo first", 2).await;
    engine.cancel("r").await.unwrap();
    m.world.let_go("undo first");
    let ended = outcome(&engine, long, "r").await;
    assert!(matches!(ended, Outcome::Cancelled(_)), "{ended:?}");
    let names = events(&engine, "r").await;
    assert_eq!(names.iter().filter(|name| **name == "compensation done").count(), 1, "{names:?}");

    // A cancel while a step runs: the step ends, and is undone with the others.
    m.world.hold("b");
    let run = engine.start(moves(self::names(&["a", "b"]))).id("s").await.unwrap();
    m.world.happened("b", 1).await;
    engine.cancel("s").await.unwrap();
    m.world.let_go("b");
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
    assert_eq!((m.world.count("undo b"), m.world.count("undo a"), m.world.count("last")), (1, 1, 0));
    engine.shutdown().await.unwrap();
}

#[saga(app = World)]
async fn paused_forever() -> Result<(), Oops> {
    pause("for a while").await;
    Ok(())
}

/// What `run` gives for a run that cannot go on says so; nobody waits for ever.
pub async fn a_run_that_pauses_itself_is_told_so(m: &Machine) {
    let engine = m.open(|b| b.saga(paused_forever)).await;
    assert!(matches!(engine.run(paused_forever()).id("r").await, Err(RunError::Paused)));
    m.crash(engine).await;
    let engine = m.open(|b| b.saga(paused_forever)).await;
    m.pass(Duration::from_millis(5)).await;
    assert!(matches!(outcome(&engine, paused_forever, "r").await, Outcome::Paused(_)));
    engine.resume("r").await.unwrap();
    assert!(matches!(outcome(&engine, paused_forever, "r").await, Outcome::Completed(_)));
    assert_eq!(recorded(&engine, "r", "paused").await, 1);
    engine.shutdown().await.unwrap();
}
