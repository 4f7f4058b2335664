//! What bad use gets: an error with a name, and nothing lost.

use factum::prelude::*;
use factum::{Error, StorageError};
use serde::{Deserialize, Serialize};

use crate::world::{World, builder, open};

#[step]
async fn act(io: &mut Io<World>) {
    io.app().act("act");
}

#[step(name = "act")]
async fn another_act(io: &mut Io<World>) {
    io.app().act("another");
}

#[step(compensate = act())]
async fn compensated(io: &mut Io<World>) {
    io.app().act("compensated");
}

#[step]
async fn held(io: &mut Io<World>) {
    io.app().act("held");
    io.app().gate.acquire().await.unwrap().forget();
}

#[saga(app = World)]
async fn acts(number: u64) -> u64 {
    act().await;
    number
}

#[saga(app = World)]
async fn acts_otherwise() {
    another_act().await;
}

#[saga(app = World, name = "acts")]
async fn same_name(number: u64) -> u64 {
    number
}

#[saga(app = World)]
async fn stays() {
    compensated().await;
    held().await;
}

#[saga]
async fn takes_a_float(x: f64) -> f64 {
    x
}

#[tokio::test]
async fn a_second_start_with_another_input_or_workflow_is_a_conflict() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(acts).saga(takes_a_float).open().await.unwrap();
    engine.run(acts(u64::MAX)).id("r").await.unwrap();
    engine.run(acts(u64::MAX)).id("r").await.unwrap();
    let error = engine.start(acts(u64::MAX - 1)).id("r").await.unwrap_err();
    assert_eq!(error.to_string(), "run `r` exists with another input");
    let error = engine.start(takes_a_float(1.0)).id("r").await.unwrap_err();
    assert_eq!(error.to_string(), "run `r` exists with another workflow");
    let error = engine.attach(takes_a_float, "r").await.unwrap_err();
    assert!(matches!(error, Error::Conflict { differs: "workflow", .. }));
    assert_eq!(world.count("act"), 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn unregistered_workflows_bad_ids_and_bad_inputs_are_refused_before_anything_is_recorded() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(takes_a_float).open().await.unwrap();
    let error = engine.start(acts(1)).await.unwrap_err();
    assert!(matches!(error, Error::NotRegistered { .. }), "{error}");
    for id in [String::new(), "x".repeat(513)] {
        let error = engine.start(takes_a_float(1.0)).id(id).await.unwrap_err();
        assert!(matches!(error, Error::InvalidId { limit: 512, .. }), "{error}");
    }
    let error = engine.start(takes_a_float(f64::NAN)).id("r").await.unwrap_err();
    assert_eq!(error.to_string(), "the input cannot be recorded: JSON cannot hold the float NaN");
    assert!(engine.list().await.unwrap().is_empty());
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_second_engine_on_a_directory_gets_a_clear_error() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(acts).open().await.unwrap();
    let error = builder(dir.path(), &world).saga(acts).open().await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::DirectoryInUse { .. })), "{error}");
    assert!(error.to_string().contains("in use"), "{error}");
    engine.shutdown().await.unwrap();
    builder(dir.path(), &world).saga(acts).open().await.unwrap().shutdown().await.unwrap();
}

#[tokio::test]
async fn two_steps_or_two_sagas_of_one_name_are_refused_at_open() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let error = builder(dir.path(), &world).saga(acts).saga(acts_otherwise).open().await.unwrap_err();
    assert!(error.to_string().contains("two steps are called `act`, at "), "{error}");
    assert!(error.to_string().contains("refusals.rs:"), "{error}");
    let error = builder(dir.path(), &world).saga(acts).saga(same_name).open().await.unwrap_err();
    assert!(error.to_string().contains("two workflows are called `acts`"), "{error}");
    builder(dir.path(), &world).saga(acts).saga(acts).open().await.unwrap().shutdown().await.unwrap();
}

#[tokio::test]
async fn runs_in_flight_whose_workflow_is_missing_are_listed_and_can_be_left_alone() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(stays)).await;
    for id in ["one", "two"] {
        engine.start(stays()).id(id).await.unwrap();
    }
    world.happened("held", 2).await;
    drop(engine);
    let error = loop {
        match builder(dir.path(), &world).saga(acts).open().await.unwrap_err() {
            Error::Storage(StorageError::DirectoryInUse { .. }) => tokio::task::yield_now().await,
            error => break error,
        }
    };
    assert!(error.to_string().contains("`stays` version 1 (one, two)"), "{error}");

    let engine = builder(dir.path(), &world).saga(acts).keep_unknown_workflows().open().await.unwrap();
    assert_eq!(engine.list().await.unwrap().len(), 2);
    engine.run(acts(1)).id("beside").await.unwrap();
    engine.shutdown().await.unwrap();

    world.gate.add_permits(2);
    let engine = builder(dir.path(), &world).saga(stays).saga(acts).open().await.unwrap();
    engine.run(stays()).id("one").await.unwrap();
    engine.run(stays()).id("two").await.unwrap();
    assert_eq!(world.count("compensated"), 2);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_asked_after_a_shutdown_is_refused() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let limit = std::time::Duration::from_millis(1);
    let engine = builder(dir.path(), &world).saga(stays).shutdown_timeout(limit).open().await.unwrap();
    let run = engine.start(stays()).id("r").await.unwrap();
    world.happened("held", 1).await;
    let clone = engine.clone();
    engine.shutdown().await.unwrap();
    for error in [
        clone.start(stays()).id("s").await.map(|_| ()).unwrap_err(),
        clone.cancel("r").await.unwrap_err(),
        run.outcome().await.map(|_| ()).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Stopped { .. }), "{error}");
    }
}

#[test]
fn an_engine_without_a_tokio_runtime_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut open = std::pin::pin!(Engine::builder(dir.path()).open());
    let waker = std::task::Waker::noop();
    let std::task::Poll::Ready(result) = open.as_mut().poll(&mut std::task::Context::from_waker(waker)) else {
        panic!("it waits for something");
    };
    assert!(matches!(result, Err(Error::NoRuntime)));
}

#[step(pivot)]
async fn final_act(io: &mut Io<World>) {
    io.app().act("final");
}

#[saga(app = World)]
async fn ends() {
    final_act().await;
}

#[saga(app = World)]
async fn ends_too_early() {
    ends().await;
    compensated().await;
}

#[saga(app = World)]
async fn ends_in_time() {
    compensated().await;
    ends().await;
    act().await;
}

#[saga(app = World)]
async fn spawns() {
    let _ = spawn(acts(1)).await;
}

#[tokio::test]
async fn a_saga_that_another_spawns_is_registered_or_refused_at_open() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let error = builder(dir.path(), &world).saga(spawns).open().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`acts` version 1 is not registered: add `.saga(acts)`, or `.fsm::<acts>()` for a machine, to the engine's builder"
    );
    let error = builder(dir.path(), &world).saga(spawns).saga(same_name).open().await.unwrap_err();
    assert!(matches!(&error, Error::DuplicateName { what: "workflows", name, .. } if name == "acts"), "{error}");
    let engine = builder(dir.path(), &world).saga(spawns).saga(acts).open().await.unwrap();
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_pivot_in_a_nested_saga_before_what_can_be_undone_is_refused_at_open() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let error = builder(dir.path(), &world).saga(ends_too_early).open().await.unwrap_err();
    assert!(matches!(error, Error::Plan { saga: "ends_too_early", .. }), "{error}");
    let (text, line) = (error.to_string(), format!("{}:", file!()));
    assert!(text.starts_with("the workflow `ends_too_early` at ") && text.contains(&line), "{text}");
    assert!(text.ends_with("await `compensated` before `final_act`, or leave out one of the two keys"), "{text}");
    let engine = builder(dir.path(), &world).saga(ends_in_time).open().await.unwrap();
    engine.shutdown().await.unwrap();
}

#[signal]
#[derive(Serialize, Deserialize)]
struct Pay {}

#[saga]
async fn asks() {
    signal::<Pay>().await;
}

/// The compiler does not see what the saga in the handler of `Open` waits for.
#[fsm]
#[reject]
#[derive(Serialize, Deserialize)]
enum Till {
    #[initial]
    #[next(Open)]
    #[accepts(Pay)]
    Shut,
    #[next(Done)]
    Open,
    #[terminal]
    Done,
}

#[state]
async fn shut(_: till::Shut) -> Next<till::Shut> {
    signal::<Pay>().await;
    go(till::Open)
}

#[state]
async fn open_(_: till::Open) -> Next<till::Open> {
    asks().await;
    go(till::Done)
}

#[tokio::test]
async fn a_nested_saga_that_waits_for_what_the_state_does_not_accept_is_refused_at_open() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let error = builder(dir.path(), &world).fsm::<Till>().open().await.unwrap_err();
    let Error::Plan { saga: "Till", problem, .. } = &error else { panic!("{error}") };
    assert!(problem.contains("state `Open` does not accept the signal `Pay`, for which a saga"), "{problem}");
}
