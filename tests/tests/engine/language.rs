//! What a review of the language against its issue found.

use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Failure, History, Status, WaitingOn};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World, builder, events};

#[step(compensate = put_back(what.clone()))]
async fn take(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().act(&what);
    if io.app().fails(&what) { Err(Oops::Failed(what)) } else { Ok(what) }
}

#[step]
async fn put_back(io: &mut Io<World>, what: String) {
    io.app().act(format!("put back {what}"));
}

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Go(u8);

/// Turns with a long argument each.
#[saga(app = World)]
async fn turns(n: u32, long: String) -> Result<u32, Oops> {
    take(format!("turn {n}")).await?;
    if n == 0 {
        take("last".to_owned()).await?;
        return Ok(n);
    }
    sleep(Duration::from_millis(1)).await;
    again(turns(n - 1, format!("{n}{}", "x".repeat(long.len() - n.to_string().len())))).await
}

#[saga(app = World)]
async fn linked(n: u8) -> Result<u8, Oops> {
    take(format!("linked {n}")).await?;
    let Go(go) = signal::<Go>().await;
    Ok(n + go)
}

/// Everything that is recorded in a kind of its own.
#[saga(app = World)]
async fn whole(turn: u32) -> Result<u8, Oops> {
    take(format!("turn {turn}")).await?;
    if turn == 0 {
        return again(whole(1)).await;
    }
    let _values = (now().await, random::<u64>().await, uuid().await);
    let won = race((take("won".to_owned()), signal::<Go>())).await;
    let Winner::First(Ok(_)) = won else { return Err(Oops::Later) };
    let child = spawn(linked(3)).linked().await;
    publish(&turn).await;
    pause("look").await;
    publish(&(turn + 1)).await;
    match child.await {
        Ok(n) => {
            take("end".to_owned()).await?;
            Ok(n)
        }
        Err(error) => Err(Oops::Failed(error.to_string())),
    }
}

#[tokio::test]
async fn of_a_run_with_turns_the_outcome_alone_is_kept_and_can_be_read() {
    for fails in [false, true] {
        let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
        let build = || {
            let builder = builder(dir.path(), &world).checkpoint_interval(Duration::from_millis(1));
            builder.history(History::Outcome).saga(turns)
        };
        let engine = build().open().await.unwrap();
        if fails {
            world.fail_next("last");
        }
        let ended = engine.run(turns(3, "x".repeat(8))).id("t").await;
        assert_eq!(ended.is_err(), fails);
        engine.shutdown().await.unwrap();
        let engine = build().open().await.unwrap();
        while engine.stats().runs_in_memory > 0 {
            tokio::task::yield_now().await;
        }
        let outcome = engine.attach(turns, "t").await.unwrap().outcome().await.unwrap();
        match outcome {
            Outcome::Failed(run) => assert_eq!((run.failure().to_string(), fails), ("last".to_owned(), true)),
            Outcome::Completed(run) => assert_eq!((*run.output(), fails), (0, false)),
            other => panic!("{other:?}"),
        }
        let events = events(&engine, "t").await;
        assert!(!events.contains(&"step done"), "{events:?}");
        engine.shutdown().await.unwrap();
        let report = factum::verify(dir.path()).await.unwrap();
        assert!(report.is_clean(), "{report:?}");
    }
}

#[tokio::test]
async fn long_arguments_of_turns_that_are_over_are_given_back() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    for interval in [1, 200] {
        let id = format!("t{interval}");
        let engine = builder(dir.path(), &world).checkpoint_interval(Duration::from_millis(interval)).saga(turns);
        let engine = engine.open().await.unwrap();
        let before = engine.stats().blobs;
        engine.run(turns(40, "x".repeat(100_000))).id(&id).await.unwrap();
        engine.shutdown().await.unwrap();
        let report = factum::verify(dir.path()).await.unwrap();
        assert!(report.is_clean(), "{report:?}");
        let engine = builder(dir.path(), &world).saga(turns).open().await.unwrap();
        // The start's, and that of the last turn: the others go when what the log says of them is applied.
        while engine.stats().runs_in_memory > 0 || engine.stats().blobs - before > 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(engine.stats().blobs - before, 2);
        let events = events(&engine, &id).await;
        assert_eq!(events.iter().filter(|event| **event == "again").count(), 1);
        engine.shutdown().await.unwrap();
    }
}

#[test]
fn blobs_of_turns_do_not_pile_up_while_the_run_goes_on() {
    let (sim, world) = (Sim::new(1), World::new());
    sim.run(async {
        let engine = Engine::builder("/data").app(world.clone()).sim(&sim).checkpoint_interval(Duration::from_secs(1));
        let engine = engine.saga(turns).open().await.unwrap();
        drop(engine.start(turns(150, "x".repeat(100_000))).id("t").await.unwrap());
        world.happened("turn 1", 1).await;
        sim.sleep(Duration::from_secs(30)).await;
        assert!(engine.stats().blobs < 20, "{} blobs", engine.stats().blobs);
        engine.shutdown().await.unwrap();
    });
}

#[tokio::test]
async fn a_run_with_every_kind_of_record_goes_on_elsewhere() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let all = |dir: &std::path::Path| builder(dir, &world).saga(whole).saga(linked).saga(turns);
    let engine = all(dir.path()).open().await.unwrap();
    let run = engine.start(whole(0)).id("w").await.unwrap();
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Paused(_)));
    engine.signal("w", Go(9)).sender_id("s").await.unwrap();
    let child = engine.list().workflow("linked").await.unwrap().runs.remove(0);
    let mut lines = Vec::new();
    for id in ["w", child.id.as_str()] {
        let mut out = Vec::new();
        engine.export(id, &mut out).await.unwrap();
        lines.push(out);
    }
    engine.shutdown().await.unwrap();
    let report = factum::verify(dir.path()).await.unwrap();
    assert!(report.is_clean(), "{report:?}");

    for order in [[0, 1], [1, 0]] {
        let elsewhere = tempfile::tempdir().unwrap();
        let engine = all(elsewhere.path()).open().await.unwrap();
        for index in order {
            engine.import(lines[index].as_slice()).await.unwrap();
        }
        engine.shutdown().await.unwrap();
        let report = factum::verify(elsewhere.path()).await.unwrap();
        assert!(report.is_clean(), "{report:?}");
        let engine = all(elsewhere.path()).open().await.unwrap();
        let run = engine.attach(whole, "w").await.unwrap();
        assert_eq!(run.info().status, Status::Paused);
        assert_eq!(run.progress::<u32>().unwrap(), Some(1));
        engine.resume("w").await.unwrap();
        engine.signal(child.id.as_str(), Go(4)).await.unwrap();
        match run.outcome().await.unwrap() {
            Outcome::Completed(run) => assert_eq!(*run.output(), 7),
            other => panic!("{other:?}"),
        }
        engine.shutdown().await.unwrap();
        let report = factum::verify(elsewhere.path()).await.unwrap();
        assert!(report.is_clean(), "{report:?}");
    }
    assert_eq!(world.count("won"), 1);
}

#[tokio::test]
async fn a_parent_that_is_imported_without_its_linked_child_comes_to_an_end() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let elsewhere = tempfile::tempdir().unwrap();
    let all = |dir: &std::path::Path| builder(dir, &world).saga(whole).saga(linked);
    let engine = all(dir.path()).open().await.unwrap();
    let run = engine.start(whole(0)).id("w").await.unwrap();
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Paused(_)));
    let mut lines = Vec::new();
    engine.export("w", &mut lines).await.unwrap();
    engine.shutdown().await.unwrap();

    let engine = all(elsewhere.path()).open().await.unwrap();
    engine.import(lines.as_slice()).await.unwrap();
    let run = engine.attach(whole, "w").await.unwrap();
    engine.resume("w").await.unwrap();
    let outcome = tokio::time::timeout(Duration::from_secs(20), run.outcome()).await.expect("it waits for ever");
    match outcome.unwrap() {
        Outcome::Failed(run) => assert!(run.failure().to_string().contains("child"), "{}", run.failure()),
        other => panic!("{other:?}"),
    }
    engine.shutdown().await.unwrap();
}

#[saga(app = World)]
async fn nightly(n: u8) -> u8 {
    n
}

#[test]
fn a_schedule_whose_next_id_is_another_runs_fails_and_says_why() {
    let (sim, world) = (Sim::new(3), World::new());
    sim.run(async {
        let engine = Engine::builder("/data").app(world.clone()).sim(&sim).saga(nightly).open().await.unwrap();
        engine.schedule(nightly(1), "* * * * *").id("n").await.unwrap();
        sim.sleep(Duration::from_secs(61)).await;
        assert!(engine.attach(nightly, "n/2026-01-01T00:01:00Z").await.is_ok());
        engine.run(nightly(7)).id("n/2026-01-01T00:02:00Z").await.unwrap();
        sim.sleep(Duration::from_secs(120)).await;
        let runs = engine.list().workflow("factum.schedule").await.unwrap().runs;
        assert_eq!((runs.len(), runs[0].status), (1, Status::Failed));
        let problem = runs[0].problem.as_deref().unwrap();
        assert!(problem.contains("`n/2026-01-01T00:02:00Z` exists with another input"), "{problem}");
        engine.shutdown().await.unwrap();
    });
}

#[step(pivot)]
async fn commit(io: &mut Io<World>) {
    io.app().act("commit");
}

/// What a turn leaves behind: a child, a published value, a pivot.
#[saga(app = World)]
async fn leaves(turn: u32, pivots: bool) -> Result<(), Oops> {
    if turn == 0 {
        let _child = spawn(linked(5)).linked().await;
        publish(&"from turn 0").await;
        if pivots {
            commit().await;
        }
        return again(leaves(1, pivots)).await;
    }
    signal::<Go>().await;
    Err(Oops::Later)
}

fn sim_builder(sim: &Sim, world: &World) -> factum::Builder<World> {
    let builder = Engine::builder("/data").app(world.clone()).sim(sim).checkpoint_interval(Duration::from_secs(1));
    let builder = builder.sleep_after(Duration::from_secs(2));
    builder.saga(leaves).saga(linked).saga(turns).saga(pauses).saga(twelve).saga(waits_for_a_child).saga(retries)
}

#[test]
fn what_a_turn_leaves_behind_is_there_in_the_next_one_after_a_crash() {
    for pivots in [false, true] {
        let (sim, world) = (Sim::new(5), World::new());
        for end in 0..2 {
            sim.run(async {
                let engine = sim_builder(&sim, &world).open().await.unwrap();
                let run = engine.start(leaves(0, pivots)).id("l").await.unwrap();
                world.happened("linked 5", 1).await;
                if end == 0 {
                    drop(run);
                    sim.sleep(Duration::from_secs(20)).await;
                    assert_eq!(engine.stats().runs_in_memory, 0);
                    return;
                }
                assert_eq!(run.progress::<String>().unwrap().as_deref(), Some("from turn 0"));
                if pivots {
                    assert!(matches!(engine.cancel("l").await, Err(factum::Error::PastPivot { .. })));
                }
                engine.signal("l", Go(1)).await.unwrap();
                match (run.outcome().await.unwrap(), pivots) {
                    (Outcome::Failed(_), false) | (Outcome::Stuck(_), true) => {}
                    (other, _) => panic!("{other:?}"),
                }
                assert_eq!(world.count("put back linked 5"), usize::from(!pivots));
                engine.shutdown().await.unwrap();
            });
            sim.crash(Loss::Any);
        }
    }
}

#[saga(app = World)]
async fn pauses(then: bool) -> Result<(), Oops> {
    take("first".to_owned()).await?;
    pause("look").await;
    if then {
        take("then".to_owned()).await?;
    }
    Ok(())
}

#[test]
fn a_deadline_that_passes_while_a_run_is_paused_counts_at_its_next_await() {
    let (sim, world) = (Sim::new(6), World::new());
    sim.run(async {
        let engine = sim_builder(&sim, &world).open().await.unwrap();
        for (id, then) in [("then", true), ("end", false)] {
            let deadline = SystemTime::from(sim.now()) + Duration::from_secs(60);
            let run = engine.start(pauses(then)).id(id).deadline(deadline).await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Paused(_)));
            sim.sleep(Duration::from_secs(100)).await;
            assert_eq!(run.info().status, Status::Paused);
            engine.resume(id).await.unwrap();
            match (run.outcome().await.unwrap(), then) {
                (Outcome::Failed(run), true) => assert!(matches!(run.failure(), Failure::DeadlineExceeded)),
                (Outcome::Completed(_), false) => {}
                (other, _) => panic!("{other:?}"),
            }
        }
        assert_eq!(world.done(), ["first", "put back first", "first"]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_run_that_is_watched_over_its_turns_is_seen_to_end() {
    let (sim, world) = (Sim::new(7), World::new());
    sim.run(async {
        let engine = sim_builder(&sim, &world).open().await.unwrap();
        let run = engine.start(turns(20, "x".repeat(10))).id("t").await.unwrap();
        let mut watch = run.watch();
        let mut last = None;
        while let Some(update) = watch.next().await {
            last = Some(format!("{update:?}"));
        }
        assert_eq!(last.as_deref(), Some("Status(Completed)"));
        // A start with other options is the same run; a second one with other arguments is none.
        assert!(engine.start(turns(20, "x".repeat(10))).id("t").deadline(sim.now().into()).await.is_ok());
        assert!(matches!(engine.start(turns(0, "x".repeat(10))).id("t").await, Err(factum::Error::Conflict { .. })));
        engine.shutdown().await.unwrap();
    });
}

#[saga(app = World)]
async fn twelve(pause: u64) -> (Vec<String>, u64) {
    let t = |n: u32| take(n.to_string());
    let all = join((t(0), t(1), t(2), t(3), t(4), t(5), t(6), t(7), t(8), t(9), t(10), t(11))).await;
    let (a, b, c, d, e, f, g, h, i, j, k, l) = all;
    let all = [a, b, c, d, e, f, g, h, i, j, k, l].into_iter().flatten().collect();
    let s = |n: u64| sleep(seconds(pause + 100 * (12 - n)));
    let won = race((s(1), s(2), s(3), s(4), s(5), s(6), s(7), s(8), s(9), s(10), s(11), s(12))).await;
    (all, if matches!(won, Winner::Twelfth(())) { 12 } else { 0 })
}

#[test]
fn twelve_branches_join_and_race() {
    let (sim, world) = (Sim::new(8), World::new());
    sim.run(async {
        let engine = sim_builder(&sim, &world).open().await.unwrap();
        let (joined, won) = engine.run(twelve(1)).await.unwrap();
        assert_eq!(joined, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(won, 12);
        engine.shutdown().await.unwrap();
    });
}

#[saga(app = World)]
async fn waits_for_a_child() -> Result<(), Oops> {
    let child = spawn(linked(1)).id("c").await;
    child.await.map(|_| ()).map_err(|error| Oops::Failed(error.to_string()))
}

#[step(retry(attempts = 3, initial = "60s", max = "60s"))]
async fn patient(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("patient");
    if io.attempt() == 1 { Err(Oops::Later) } else { Ok(()) }
}

#[saga(app = World)]
async fn retries() -> Result<(), Oops> {
    patient().await
}

#[test]
fn a_wait_for_a_child_and_one_for_a_retry_have_their_places() {
    let (sim, world) = (Sim::new(9), World::new());
    sim.run(async {
        let engine = sim_builder(&sim, &world).open().await.unwrap();
        let parent = engine.start(waits_for_a_child()).id("p").await.unwrap();
        let retries = engine.start(retries()).id("r").await.unwrap();
        world.happened("patient", 1).await;
        world.happened("linked 1", 1).await;
        sim.sleep(Duration::from_secs(1)).await;
        for run in [parent.info(), retries.info()] {
            assert_eq!((run.status, run.waiting.len()), (Status::Waiting, 1), "{run:?}");
            let waiting = &run.waiting[0];
            assert!(matches!(waiting.on, WaitingOn::Child { .. } | WaitingOn::Retry { .. }), "{waiting:?}");
            assert!(waiting.file.ends_with("language.rs") && waiting.line > 1, "{waiting:?}");
        }
        engine.signal("c", Go(1)).await.unwrap();
        assert!(matches!(parent.outcome().await.unwrap(), Outcome::Completed(_)));
        assert!(matches!(retries.outcome().await.unwrap(), Outcome::Completed(_)));
        engine.shutdown().await.unwrap();
    });
}

#[saga(app = World)]
async fn circle(n: u32) -> Result<(), Oops> {
    take(n.to_string()).await?;
    commit().await;
    if n == 0 {
        return Ok(());
    }
    again(circle(n - 1)).await
}

#[test]
fn a_pivot_before_the_next_turns_compensatable_step_is_refused_at_open() {
    let (sim, world) = (Sim::new(10), World::new());
    sim.run(async {
        let error = Engine::builder("/data").app(world.clone()).sim(&sim).saga(circle).open().await.unwrap_err();
        assert!(error.to_string().contains("`commit` is done nothing is undone"), "{error}");
    });
}
