//! Compensation, to the letter.

use factum::prelude::*;
use factum::{Event, Failure, RunError, Status};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World, builder, events, open};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Hold {
    number: u32,
}

#[step(compensate = release(&output, &name), unknown = settle(&name), unknown_when = Oops::is_later)]
async fn reserve(io: &mut Io<World>, name: String, number: u32) -> Result<Hold, Oops> {
    io.app().act(format!("reserve {name}"));
    if io.app().fails("unknown") {
        return Err(Oops::Later);
    }
    if io.app().fails("known") {
        return Err(Oops::Failed("known".into()));
    }
    Ok(Hold { number })
}

#[step(retry(attempts = 2, initial = "1ms"))]
async fn release(io: &mut Io<World>, hold: &Hold, name: &str) -> Result<(), Oops> {
    io.app().act(format!("release {name} {}", hold.number));
    if io.app().fails("release") {
        return Err(Oops::Later);
    }
    if io.app().fails("release holds") {
        io.app().gate.acquire().await.unwrap().forget();
    }
    Ok(())
}

#[step]
async fn settle(io: &mut Io<World>, name: &str) {
    io.app().act(format!("settle {name}"));
}

#[step(timeout = "20ms", compensate = settle(&name))]
async fn slow(io: &mut Io<World>, name: String) -> Result<(), Oops> {
    io.app().act(format!("slow {name}"));
    std::future::pending().await
}

#[step(retry(attempts = 2, initial = "1ms"), compensate = settle(&name))]
async fn panics(io: &mut Io<World>, name: String) -> u32 {
    io.app().act("panics");
    panic!("boom {name}")
}

#[step]
async fn not_a_number() -> f64 {
    f64::NAN
}

#[step(app = World, compensate = settle(&name))]
async fn unrecordable(name: String) -> f64 {
    let _ = name;
    f64::INFINITY
}

#[step(pivot)]
async fn point_of_no_return(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("pivot");
    Ok(())
}

#[step]
async fn refuse(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("refuse");
    Err(Oops::Failed("refused".into()))
}

#[saga(app = World)]
async fn books(names: Vec<String>) -> Result<u32, Oops> {
    let mut sum = 0;
    for (number, name) in names.into_iter().enumerate() {
        sum += reserve(name, number as u32).await?.number;
    }
    refuse().await?;
    Ok(sum)
}

#[saga(app = World)]
async fn handles(name: String) -> Result<String, Oops> {
    match reserve(name, 1).await {
        Ok(_) => Ok("reserved".into()),
        Err(error) => Ok(format!("went on after: {error}")),
    }
}

#[saga(app = World)]
async fn trip(fail_outer: bool) -> Result<String, Oops> {
    reserve("outer".into(), 0).await?;
    let inner = books(vec!["a".into(), "b".into()]).await;
    let inner = inner.map_or_else(|error| error.to_string(), |sum| sum.to_string());
    if fail_outer {
        refuse().await?;
    }
    Ok(inner)
}

#[saga(app = World)]
async fn good_part(name: String) -> Result<(), Oops> {
    reserve(name, 7).await?;
    Ok(())
}

#[saga(app = World)]
async fn passes_on() -> Result<(), Oops> {
    good_part("part".into()).await?;
    refuse().await
}

#[saga(app = World)]
async fn waits_in_vain() -> Result<(), Oops> {
    reserve("before".into(), 1).await?;
    slow("it".into()).await
}

#[saga(app = World)]
async fn body_after(kind: String) -> Result<f64, Oops> {
    reserve("before".into(), 1).await?;
    match kind.as_str() {
        "step panics" => Ok(panics("p".into()).await.into()),
        "body panics" => panic!("the body itself"),
        "NaN step" => Ok(unrecordable("u".into()).await),
        "NaN body" => Ok(f64::NAN),
        _ => Ok(not_a_number().await),
    }
}

#[saga(app = World)]
async fn beyond() -> Result<(), Oops> {
    reserve("before".into(), 1).await?;
    point_of_no_return().await?;
    refuse().await
}

fn names() -> Vec<String> {
    vec!["x".into(), "y".into(), "z".into()]
}

#[tokio::test]
async fn everything_is_undone_in_reverse_order_with_its_own_values() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(books).open().await.unwrap();
    let outcome = engine.start(books(names())).id("r").await.unwrap().outcome().await.unwrap();
    let Outcome::Failed(run) = outcome else { panic!("{outcome:?}") };
    assert_eq!(*run.failure(), Failure::Error(Oops::Failed("refused".into())));
    let undone = &world.done()[4..];
    assert_eq!(undone, ["release z 2", "release y 1", "release x 0"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_step_whose_end_is_unknown_is_settled_and_one_that_is_known_to_have_failed_is_not() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(books).open().await.unwrap();
    world.fail_next("unknown");
    engine.run(books(names())).id("unknown").await.unwrap_err();
    assert_eq!(world.done(), ["reserve x", "settle x"]);
    world.fail_next("known");
    engine.run(books(names())).id("known").await.unwrap_err();
    assert_eq!(world.done()[2..], ["reserve x"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_saga_that_handles_a_steps_error_goes_on_with_nothing_undone() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(handles).open().await.unwrap();
    world.fail_next("known");
    assert_eq!(engine.run(handles("x".into())).await.unwrap(), "went on after: known");
    assert_eq!(world.done(), ["reserve x"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_nested_sagas_error_is_seen_only_after_it_is_undone_and_the_outer_one_stays() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(trip).open().await.unwrap();
    assert_eq!(engine.run(trip(false)).id("r").await.unwrap(), "refused");
    let wanted = ["reserve outer", "reserve a", "reserve b", "refuse", "release b 1", "release a 0"];
    assert_eq!(world.done(), wanted);
    engine.run(trip(true)).id("s").await.unwrap_err();
    assert_eq!(world.done().last().unwrap(), "release outer 0");
    assert_eq!(world.count("release a 0"), 2, "once in each run");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_nested_sagas_undo_passes_to_its_caller_when_it_succeeds() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(passes_on).open().await.unwrap();
    engine.run(passes_on()).await.unwrap_err();
    assert_eq!(world.done(), ["reserve part", "refuse", "release part 7"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_timeout_leaves_the_end_unknown_and_its_undo_runs() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(waits_in_vain).open().await.unwrap();
    let error = engine.run(waits_in_vain()).id("r").await.unwrap_err();
    assert_eq!(error.to_string(), "timed out");
    assert_eq!(world.done(), ["reserve before", "slow it", "settle it", "release before 1"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_panic_in_the_last_attempt_drops_the_body_and_rolls_back() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(body_after).open().await.unwrap();
    let error = engine.run(body_after("step panics".into())).await.unwrap_err();
    assert!(matches!(&error, RunError::Failed(Failure::Panicked { message }) if message == "boom p"), "{error:?}");
    let wanted = ["reserve before", "panics", "panics", "settle p", "release before 1"];
    assert_eq!(world.done(), wanted, "tried twice, settled, undone");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_body_that_panics_and_values_that_json_cannot_hold_fail_the_run_and_undo_it() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(body_after).open().await.unwrap();
    let body = engine.run(body_after("body panics".into())).await.unwrap_err();
    assert_eq!(body.to_string(), "panicked: the body itself");
    for kind in ["NaN step", "NaN body", "NaN plain"] {
        let error = engine.run(body_after(kind.into())).await.unwrap_err();
        assert!(
            matches!(&error, RunError::Failed(Failure::Unrecordable { message }) if message.contains("NaN") || message.contains("inf")),
            "{kind}: {error:?}"
        );
    }
    assert_eq!(world.count("release before 1"), 4);
    assert_eq!(world.count("settle u"), 1, "the step ran: nobody knows with what");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_compensation_is_retried_by_its_own_policy_and_one_that_gives_up_leaves_the_run_stuck() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(books)).await;
    world.fail_next("release");
    engine.run(books(vec!["x".into()])).id("once").await.unwrap_err();
    assert_eq!(world.count("release x 0"), 2);
    world.fail_next("release");
    world.fail_next("release");
    let outcome = engine.start(books(names())).id("twice").await.unwrap().outcome().await.unwrap();
    let Outcome::Stuck(run) = outcome else { panic!("{outcome:?}") };
    assert!(run.problem().contains("refused") && run.problem().contains("undo of `reserve` at 2"), "{}", run.problem());
    assert_eq!(world.done()[8..], ["release z 2", "release z 2", "release y 1", "release x 0"], "all are tried");
    drop(engine);

    let engine = open(|| builder(dir.path(), &world).saga(books)).await;
    let info = engine.list().await.unwrap().runs.pop().unwrap();
    assert_eq!(info.status, Status::Stuck);
    assert!(info.problem.unwrap().contains("undo of `reserve` at 2"));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_crash_inside_rollback_resumes_the_rollback() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(books)).await;
    world.fail_next("release holds");
    engine.start(books(names())).id("r").await.unwrap();
    world.happened("release z 2", 1).await;
    drop(engine);
    let engine = open(|| builder(dir.path(), &world).saga(books)).await;
    let outcome = engine.attach(books, "r").await.unwrap().outcome().await.unwrap();
    assert_eq!(outcome.status(), Status::Failed);
    assert_eq!(world.done()[4..], ["release z 2", "release z 2", "release y 1", "release x 0"]);
    assert_eq!(world.count("reserve x"), 1, "no body was replayed forward");
    let decisions = events(&engine, "r").await.into_iter().filter(|name| *name == "rollback decided").count();
    assert_eq!(decisions, 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_crash_inside_a_nested_rollback_resumes_it_and_the_caller_goes_on() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(trip)).await;
    world.fail_next("release holds");
    engine.start(trip(false)).id("r").await.unwrap();
    world.happened("release b 1", 1).await;
    drop(engine);
    let engine = open(|| builder(dir.path(), &world).saga(trip)).await;
    assert_eq!(engine.run(trip(false)).id("r").await.unwrap(), "refused");
    assert_eq!(world.done()[4..], ["release b 1", "release b 1", "release a 0"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_failure_after_a_pivot_is_stuck_and_undoes_nothing() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(beyond).open().await.unwrap();
    let outcome = engine.start(beyond()).id("r").await.unwrap().outcome().await.unwrap();
    assert!(matches!(&outcome, Outcome::Stuck(run) if run.problem().contains("refused")), "{outcome:?}");
    assert_eq!(world.done(), ["reserve before", "pivot", "refuse"]);
    engine.shutdown().await.unwrap();
}

#[saga(app = World)]
async fn through_a_variable() -> Result<(), Oops> {
    let call = reserve("v".into(), 3);
    call.await?;
    refuse().await
}

#[tokio::test]
async fn an_undo_that_no_plan_shows_is_refused_before_its_effect_unless_it_is_registered() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(through_a_variable).open().await.unwrap();
    let error = engine.run(through_a_variable()).id("r").await.unwrap_err();
    assert!(error.to_string().contains("add `.step(reserve)`"), "{error}");
    assert_eq!(world.done(), Vec::<String>::new());
    engine.shutdown().await.unwrap();

    let engine = builder(dir.path(), &world).saga(through_a_variable).step(reserve).open().await.unwrap();
    engine.run(through_a_variable()).id("s").await.unwrap_err();
    assert_eq!(world.done(), ["reserve v", "refuse", "release v 3"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_steps_last_outcome_and_the_decision_to_roll_back_are_one_group() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(books).open().await.unwrap();
    engine.run(books(vec![])).id("r").await.unwrap_err();
    let history = engine.history("r").await.unwrap();
    let names: Vec<&str> = history.iter().map(|entry| entry.event.name()).collect();
    assert_eq!(names, ["run started", "step attempted", "step failed", "rollback decided", "run failed"]);
    let lsns: Vec<u64> = history.iter().map(|entry| entry.lsn.0).collect();
    assert_eq!(lsns[2..], [lsns[2], lsns[2] + 1, lsns[2] + 2]);
    assert!(matches!(&history[3].event, Event::RollbackDecided { .. }));
    engine.shutdown().await.unwrap();
}
