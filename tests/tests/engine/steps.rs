//! Sagas that run undisturbed.

use std::sync::Arc;

use factum::prelude::*;
use factum::{Event, Status, WaitingOn};

use crate::world::{Oops, World, builder, events, open};

#[step]
async fn add(io: &mut Io<World>, name: &str, by: i64) -> i64 {
    io.app().act(format!("add {name} {by}"));
    by
}

#[step(retry(attempts = 3, initial = "1ms", when = Oops::is_later))]
async fn flaky(io: &mut Io<World>, name: String) -> Result<String, Oops> {
    io.app().act(format!("{name} attempt {} key {}", io.attempt(), io.key()));
    if io.app().fails("later") {
        return Err(Oops::Later);
    }
    if io.app().fails("for good") {
        return Err(Oops::Failed("for good".into()));
    }
    Ok(format!("{name} by {}", io.run_id()))
}

#[saga(app = World)]
async fn sums(numbers: Vec<i64>, factor: i64) -> i64 {
    let mut sum = 0;
    for (i, number) in numbers.iter().enumerate() {
        if number % 2 == 0 {
            sum += add("even", number * factor).await;
        } else {
            let text = format!("{}:{}", i, add("odd", *number).await);
            assert!(!text.is_empty());
            sum += number;
        }
    }
    sum
}

#[saga(app = World)]
async fn inner(by: &i64) -> Result<i64, Oops> {
    Ok(add("inner", *by).await + 1)
}

#[saga(app = World)]
async fn outer(by: i64) -> Result<i64, Oops> {
    let first = inner(&by).await?;
    let second = inner(&first).await?;
    Ok(first + second)
}

#[saga(app = World)]
async fn tries(name: String) -> Result<String, Oops> {
    flaky(name).await
}

#[saga]
async fn naps(ms: u64) -> u64 {
    sleep(millis(ms)).await;
    ms
}

#[tokio::test]
async fn loops_branches_and_borrowed_arguments_run_in_order() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(sums).open().await.unwrap();
    assert_eq!(engine.run(sums(vec![1, 2, 3, 4], 10)).await.unwrap(), 1 + 20 + 3 + 40);
    assert_eq!(world.done(), ["add odd 1", "add even 20", "add odd 3", "add even 40"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn sagas_nest() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(outer).open().await.unwrap();
    assert_eq!(engine.run(outer(1)).id("n").await.unwrap(), 2 + 3);
    let wanted = [
        "run started",
        "scope entered",
        "step attempted",
        "step done",
        "scope left",
        "scope entered",
        "step attempted",
        "step done",
        "scope left",
        "run completed",
    ];
    assert_eq!(events(&engine, "n").await, wanted);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_error_that_the_policy_names_is_retried_with_the_same_key() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(tries).open().await.unwrap();
    world.fail_next("later");
    world.fail_next("later");
    assert_eq!(engine.run(tries("x".into())).id("t").await.unwrap(), "x by t");
    let done = world.done();
    let keys: Vec<&str> = done.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0] && key.len() == 32), "{keys:?}");
    assert!(done[2].starts_with("x attempt 3"), "{done:?}");
    let retries = engine.history("t").await.unwrap();
    let at: Vec<bool> = retries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::AttemptFailed { retry_at, .. } => Some(retry_at.is_some()),
            _ => None,
        })
        .collect();
    assert_eq!(at, [true, true], "the next attempt's time is a fact");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_error_that_the_policy_does_not_name_ends_the_step_at_once() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(tries).open().await.unwrap();
    world.fail_next("for good");
    let error = engine.run(tries("x".into())).id("t").await.unwrap_err();
    assert_eq!(error.to_string(), "for good");
    assert_eq!(world.done().len(), 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn two_steps_two_runs_and_two_engines_have_different_keys() {
    let world = World::new();
    for _ in 0..2 {
        let dir = tempfile::tempdir().unwrap();
        let engine = builder(dir.path(), &world).saga(tries).open().await.unwrap();
        for id in ["a", "b"] {
            engine.run(tries("x".into())).id(id).await.unwrap();
        }
        engine.shutdown().await.unwrap();
    }
    let mut keys: Vec<String> = world.done().iter().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4);
}

#[tokio::test]
async fn a_start_with_the_same_input_is_the_same_run_and_n_concurrent_ones_execute_once() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(sums).open().await.unwrap();
    let starts: Vec<_> = (0..20)
        .flat_map(|id| (0..4).map(move |_| id))
        .map(|id| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.run(sums(vec![id], 1)).id(format!("run-{id}")).await.unwrap() })
        })
        .collect();
    for start in starts {
        start.await.unwrap();
    }
    assert_eq!(world.done().len(), 20, "{:?}", world.done());
    assert_eq!(engine.list().await.unwrap().len(), 20);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_start_without_an_id_gets_a_new_one_each_time() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(naps).open().await.unwrap();
    let first = engine.start(naps(0)).await.unwrap();
    let second = engine.start(naps(0)).await.unwrap();
    assert_ne!(first.id(), second.id());
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_sleep_wakes_and_a_waiting_run_says_on_what_and_where() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(naps)).await;
    assert_eq!(engine.run(naps(5)).await.unwrap(), 5);
    let run = engine.start(naps(3_600_000)).await.unwrap();
    let info = loop {
        let info = run.info();
        if info.status == Status::Waiting {
            break info;
        }
        tokio::task::yield_now().await;
    };
    assert!(matches!(info.waiting[0].on, WaitingOn::Timer { .. }), "{info:?}");
    assert!(info.waiting[0].file.ends_with("steps.rs"), "{info:?}");
    let line = include_str!("steps.rs").lines().position(|line| line.contains("sleep(millis(ms)).await")).unwrap();
    assert_eq!(info.waiting[0].line as usize, line + 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_nothing_with_it() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(sums).open().await.unwrap();
    {
        let started = engine.start(sums(vec![1], 1)).id("gone").into_future();
        let mut started = std::pin::pin!(started);
        // Polled once: the start is queued, and nobody waits for it any more.
        let waker = std::task::Waker::from(Arc::new(Nobody));
        let _ = started.as_mut().poll(&mut std::task::Context::from_waker(&waker));
    }
    let run = engine.attach(sums, "gone").await.unwrap();
    assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
    engine.shutdown().await.unwrap();
}

struct Nobody;

impl std::task::Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}
