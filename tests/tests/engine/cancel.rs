//! Cancelling runs.

use factum::prelude::*;
use factum::{Error, Status};

use crate::world::{Oops, World, builder, events, open};

#[step(compensate = free(&name))]
async fn take(io: &mut Io<World>, name: String) {
    io.app().act(format!("take {name}"));
}

#[step]
async fn free(io: &mut Io<World>, name: &str) {
    io.app().act(format!("free {name}"));
}

#[step]
async fn held(io: &mut Io<World>) {
    io.app().act("held");
    io.app().gate.acquire().await.unwrap().forget();
    io.app().act("held ends");
}

#[step(pivot)]
async fn pivot(io: &mut Io<World>) {
    io.app().act("pivot");
    io.app().gate.acquire().await.unwrap().forget();
}

#[step(retry(attempts = 3, initial = "1h", max = "1h"), compensate = free("backoff"))]
async fn backs_off(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("backs off");
    Err(Oops::Later)
}

#[saga(app = World)]
async fn sleeps() {
    take("a".into()).await;
    sleep(days(1)).await;
}

#[saga(app = World)]
async fn works() {
    take("a".into()).await;
    held().await;
    take("b".into()).await;
}

#[saga(app = World)]
async fn tries_again() -> Result<(), Oops> {
    take("a".into()).await;
    backs_off().await
}

#[saga(app = World)]
async fn passes() {
    pivot().await;
}

#[saga(app = World)]
async fn nested() {
    take("outer".into()).await;
    sleeps().await;
}

async fn waiting(engine: &Engine) {
    while engine.list().await.unwrap().iter().any(|run| run.status != Status::Waiting) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_waiting_run_is_cancelled_at_once_with_its_nested_sagas_and_undone() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(nested).open().await.unwrap();
    let run = engine.start(nested()).id("r").await.unwrap();
    waiting(&engine).await;
    engine.cancel("r").await.unwrap();
    match engine.cancel("r").await {
        Ok(()) => {}
        // It has come to its end already.
        Err(Error::NotActive { status: Status::Cancelled, .. }) => {}
        Err(error) => panic!("{error}"),
    }
    assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled);
    assert_eq!(world.done(), ["take outer", "take a", "free a", "free outer"]);
    let error = engine.cancel("r").await.unwrap_err();
    assert_eq!(error.to_string(), "run `r` is cancelled");
    assert_eq!(events(&engine, "r").await.iter().filter(|name| **name == "cancel requested").count(), 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_step_in_the_air_ends_first_and_no_other_begins() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(works).open().await.unwrap();
    let run = engine.start(works()).id("r").await.unwrap();
    world.happened("held", 1).await;
    engine.cancel("r").await.unwrap();
    world.gate.add_permits(1);
    assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled);
    assert_eq!(world.done(), ["take a", "held", "held ends", "free a"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_acknowledged_cancel_survives_a_crash() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(works)).await;
    engine.start(works()).id("r").await.unwrap();
    world.happened("held", 1).await;
    engine.cancel("r").await.unwrap();
    drop(engine);
    let engine = open(|| builder(dir.path(), &world).saga(works)).await;
    let outcome = engine.attach(works, "r").await.unwrap().outcome().await.unwrap();
    assert_eq!(outcome.status(), Status::Cancelled);
    assert_eq!(world.done(), ["take a", "held", "free a"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_cancel_ends_a_backoff() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(tries_again).open().await.unwrap();
    let run = engine.start(tries_again()).id("r").await.unwrap();
    waiting(&engine).await;
    engine.cancel("r").await.unwrap();
    assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled);
    assert_eq!(world.done(), ["take a", "backs off", "free a"], "the attempt is known to have failed");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_cancel_is_refused_once_a_pivot_is_attempted() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(passes).open().await.unwrap();
    let run = engine.start(passes()).id("r").await.unwrap();
    world.happened("pivot", 1).await;
    let error = engine.cancel("r").await.unwrap_err();
    assert!(matches!(error, Error::PastPivot { .. }), "{error}");
    world.gate.add_permits(1);
    assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
    engine.shutdown().await.unwrap();
}
