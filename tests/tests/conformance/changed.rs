//! Code that is another one in the next process: each change that matters is told by name, and executes nothing.

use factum::prelude::*;
use factum::{Builder, Event, SagaFn};

use crate::machine::{Machine, outcome};
use crate::world::{World, acts, acts_on};

#[step]
async fn first(io: &mut Io<World>) -> u32 {
    let _ = io.app().perform("first").await;
    1
}

#[step]
async fn second(io: &mut Io<World>) -> u32 {
    let _ = io.app().perform("second").await;
    2
}

#[step]
async fn third(io: &mut Io<World>) -> u32 {
    let _ = io.app().perform("third").await;
    3
}

#[saga(app = World, name = "job")]
async fn job() -> u32 {
    first().await + second().await + third().await
}

#[saga(app = World, name = "job")]
async fn job_swapped() -> u32 {
    second().await + first().await + third().await
}

#[saga(app = World, name = "job")]
async fn job_with_more() -> u32 {
    first().await + third().await + second().await + third().await
}

#[saga(app = World, name = "job")]
async fn job_with_less() -> u32 {
    second().await + third().await
}

#[saga(app = World, name = "job")]
async fn job_that_ends() -> u32 {
    first().await
}

#[saga(app = World, name = "job")]
async fn job_with_a_call_that_is_dropped() -> u32 {
    let never = first();
    drop(never);
    let behind = third();
    let sum = first().await + second().await;
    sum + behind.await
}

#[saga(app = World, name = "other arguments")]
async fn asks(n: u32) -> u64 {
    let told = acts_on(format!("question {n}")).await;
    acts("behind").await;
    told
}

#[saga(app = World, name = "other arguments")]
async fn asks_something_else(n: u32) -> u64 {
    let told = acts_on(format!("another question {n}")).await;
    acts("behind").await;
    told
}

/// A run of `job` with two steps done and the third in the air, met by other code. Gives what that is told.
async fn met_by<Shape, F: SagaFn<Shape>>(
    m: &Machine,
    code: F,
    with: impl Fn(Builder<World>) -> Builder<World>,
) -> String {
    let engine = m.open(|b| b.saga(job)).await;
    m.world.hold("third");
    engine.start(job()).id("r").await.unwrap();
    m.world.happened("third", 1).await;
    m.crash(engine).await;
    m.world.let_go("third");
    let before = m.world.done();

    let engine = m.open(with).await;
    let problem = match outcome(&engine, code, "r").await {
        Outcome::Diverged(run) => run.problem().to_owned(),
        other => panic!("it is {}", other.status()),
    };
    assert_eq!(m.world.done(), before, "nothing was executed");
    let history = engine.history("r").await.unwrap();
    assert!(matches!(history.last().unwrap().event, Event::Diverged { .. }));
    assert!(problem.contains("changed.rs:"), "{problem}");
    m.crash(engine).await;

    // It is a state and not the end: the code that fits goes on with it.
    let engine = m.open(|b| b.saga(job)).await;
    assert!(matches!(outcome(&engine, job, "r").await, Outcome::Diverged(_)));
    engine.retry("r").await.unwrap();
    assert_eq!(engine.run(job()).id("r").await.unwrap(), 6);
    let counts = ["first", "second", "third"].map(|what| m.world.count(what));
    assert_eq!(counts, [1, 1, 2], "the one in the air was attempted again, and nothing else");
    engine.shutdown().await.unwrap();
    problem
}

pub async fn an_order_that_was_swapped_is_detected_by_name(m: &Machine) {
    let problem = met_by(m, job_swapped, |b| b.saga(job_swapped)).await;
    assert!(problem.contains("recorded step `first`, but the code awaits step `second`"), "{problem}");
}

pub async fn a_step_that_was_inserted_is_detected_by_name(m: &Machine) {
    let problem = met_by(m, job_with_more, |b| b.saga(job_with_more)).await;
    assert!(problem.contains("recorded step `second`, but the code awaits step `third`"), "{problem}");
}

pub async fn a_step_that_was_removed_is_detected_by_name(m: &Machine) {
    let problem = met_by(m, job_with_less, |b| b.saga(job_with_less)).await;
    assert!(problem.contains("recorded step `first`, but the code awaits step `second`"), "{problem}");
}

pub async fn rule_09_a_changed_plan_does_not_complete_with_nothing_done(m: &Machine) {
    let problem = met_by(m, job_that_ends, |b| b.saga(job_that_ends)).await;
    assert!(problem.contains("recorded step `second` at 1, but the code ends before it"), "{problem}");
}

/// Facts inside a step will carry the hash of their request, too.
pub async fn rule_11_what_was_told_to_one_question_is_no_answer_to_another(m: &Machine) {
    let engine = m.open(|b| b.saga(asks)).await;
    m.world.hold("behind");
    engine.start(asks(1)).id("r").await.unwrap();
    m.world.happened("behind", 1).await;
    m.crash(engine).await;
    m.world.let_go("behind");
    let engine = m.open(|b| b.saga(asks_something_else)).await;
    match outcome(&engine, asks_something_else, "r").await {
        Outcome::Diverged(run) => {
            assert!(run.problem().contains("step `acts_on` with other arguments"), "{}", run.problem())
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(m.world.count("another question 1"), 0);
    // Nor is a second start with another input the same run.
    let refused = engine.start(asks_something_else(2)).id("r").await.unwrap_err();
    assert!(matches!(refused, factum::Error::Conflict { differs: "input", .. }), "{refused}");
    engine.shutdown().await.unwrap();
}

pub async fn a_call_that_is_built_and_dropped_takes_no_position(m: &Machine) {
    let engine = m.open(|b| b.saga(job)).await;
    m.world.hold("third");
    engine.start(job()).id("r").await.unwrap();
    m.world.happened("third", 1).await;
    m.crash(engine).await;
    m.world.let_go("third");
    let engine = m.open(|b| b.saga(job_with_a_call_that_is_dropped)).await;
    assert_eq!(engine.run(job_with_a_call_that_is_dropped()).id("r").await.unwrap(), 6);
    assert_eq!((m.world.count("first"), m.world.count("second")), (1, 1));
    engine.shutdown().await.unwrap();
}
