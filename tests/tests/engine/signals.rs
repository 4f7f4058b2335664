//! Messages to runs.

use factum::prelude::*;
use factum::{Error, Status, WaitingOn};
use serde::{Deserialize, Serialize};

use crate::world::{World, builder, events, open};

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Approval {
    by: String,
}

#[signal(name = "refusal")]
#[derive(Debug, Serialize, Deserialize)]
struct Refusal(f64);

#[step]
async fn prepare(io: &mut Io<World>) {
    io.app().act("prepare");
    io.app().gate.acquire().await.unwrap().forget();
}

#[saga(app = World)]
async fn asks(times: u32) -> Vec<String> {
    prepare().await;
    let mut by = Vec::new();
    for _ in 0..times {
        by.push(signal::<Approval>().await.by);
    }
    if times > 1024 {
        signal::<Refusal>().await;
    }
    by
}

fn by(name: &str) -> Approval {
    Approval { by: name.into() }
}

#[tokio::test]
async fn signals_sent_before_during_and_after_the_wait_begins_are_kept_in_order() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(asks).open().await.unwrap();
    let run = engine.start(asks(3)).id("r").await.unwrap();
    world.happened("prepare", 1).await;
    engine.signal("r", by("ann")).await.unwrap();
    engine.signal("r", Refusal(1.0)).await.unwrap();
    engine.signal("r", by("bob")).await.unwrap();
    world.gate.add_permits(1);
    let info = loop {
        let info = run.info();
        if info.status == Status::Waiting {
            break info;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(info.waiting[0].on, WaitingOn::Signal { name: "Approval".into(), until: None });
    engine.signal("r", by("cat")).await.unwrap();
    let outcome = run.outcome().await.unwrap();
    assert!(matches!(&outcome, Outcome::Completed(run) if *run.output() == ["ann", "bob", "cat"]), "{outcome:?}");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_acknowledged_signal_survives_a_crash_and_a_taken_one_is_not_taken_twice() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    world.gate.add_permits(1);
    let engine = open(|| builder(dir.path(), &world).saga(asks)).await;
    engine.start(asks(2)).id("r").await.unwrap();
    engine.signal("r", by("ann")).await.unwrap();
    while !events(&engine, "r").await.contains(&"signal received") {
        tokio::task::yield_now().await;
    }
    drop(engine);
    world.gate.add_permits(1);
    let engine = open(|| builder(dir.path(), &world).saga(asks)).await;
    engine.signal("r", by("bob")).await.unwrap();
    assert_eq!(engine.run(asks(2)).id("r").await.unwrap(), ["ann", "bob"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_senders_second_delivery_counts_once_also_after_a_crash() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(asks)).await;
    engine.start(asks(2)).id("r").await.unwrap();
    engine.signal("r", by("ann")).sender_id("1").await.unwrap();
    engine.signal("r", by("ann")).sender_id("1").await.unwrap();
    drop(engine);
    world.gate.add_permits(2);
    let engine = open(|| builder(dir.path(), &world).saga(asks)).await;
    engine.signal("r", by("ann")).sender_id("1").await.unwrap();
    engine.signal("r", by("bob")).sender_id("2").await.unwrap();
    assert_eq!(engine.run(asks(2)).id("r").await.unwrap(), ["ann", "bob"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_full_inbox_refuses_the_sender_and_loses_nothing() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(asks).open().await.unwrap();
    let run = engine.start(asks(1024)).id("r").await.unwrap();
    world.happened("prepare", 1).await;
    let sent: Vec<_> = (0..1024).map(|i| tokio::spawn(engine.signal("r", by(&i.to_string())).into_future())).collect();
    for signal in sent {
        signal.await.unwrap().unwrap();
    }
    let error = engine.signal("r", by("one more")).await.unwrap_err();
    assert!(matches!(error, Error::InboxFull { limit: 1024, .. }), "{error}");
    world.gate.add_permits(1);
    let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!() };
    assert_eq!(run.output().len(), 1024);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_signal_to_nobody_or_to_an_ended_run_or_that_json_cannot_hold_is_refused() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    world.gate.add_permits(1);
    let engine = builder(dir.path(), &world).saga(asks).open().await.unwrap();
    let error = engine.signal("nobody", by("ann")).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no run `nobody`");
    engine.run(asks(0)).id("r").await.unwrap();
    let error = engine.signal("r", by("ann")).await.unwrap_err();
    assert_eq!(error.to_string(), "run `r` is completed");
    let error = engine.signal("r", Refusal(f64::NAN)).await.unwrap_err();
    assert_eq!(error.to_string(), "the signal cannot be recorded: JSON cannot hold the float NaN");
    engine.shutdown().await.unwrap();
}
