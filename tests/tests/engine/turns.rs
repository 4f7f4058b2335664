//! `again`, children, values of the world, pauses and an operator's verbs.

use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Event, Status};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World, events};

#[step(compensate = undo(what.clone()))]
async fn act(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().act(&what);
    match io.app().fails(&what) {
        true => Err(Oops::Failed(what)),
        false => Ok(what),
    }
}

#[step]
async fn undo(io: &mut Io<World>, what: String) -> Result<(), Oops> {
    let what = format!("undo {what}");
    io.app().act(&what);
    if io.app().fails(&what) { Err(Oops::Failed(what)) } else { Ok(()) }
}

#[step(pivot)]
async fn commit(io: &mut Io<World>) {
    io.app().act("commit");
}

#[signal]
#[derive(Serialize, Deserialize)]
struct Go(u8);

/// The cursor of a long job: one page a turn.
#[saga(app = World)]
async fn import(page: u32, pages: u32, seen: u64) -> Result<u64, Oops> {
    act(format!("page {page}")).await?;
    if page == 1 {
        signal::<Go>().await;
    }
    if page + 1 < pages {
        return again(import(page + 1, pages, seen + u64::from(page))).await;
    }
    let Go(n) = signal::<Go>().await;
    act("last".into()).await?;
    Ok(seen + u64::from(n))
}

#[saga(app = World)]
async fn child(n: u8, wait: bool) -> Result<u8, Oops> {
    act(format!("child {n}")).await?;
    if wait {
        signal::<Go>().await;
    }
    match n {
        0 => Err(Oops::Later),
        n => Ok(n * 2),
    }
}

#[saga(app = World)]
async fn parent(n: u8, wait: bool) -> Result<u8, Oops> {
    act("before".into()).await?;
    let linked = spawn(child(n, wait)).linked().await;
    let other = spawn(child(5, false)).id("other").await;
    let five = other.await.map_err(|error| Oops::Failed(error.to_string()))?;
    match linked.await {
        Ok(n) => Ok(n + five),
        Err(error) => Err(Oops::Failed(error.to_string())),
    }
}

#[saga(app = World)]
async fn values() -> (SystemTime, u64, factum::Uuid, SystemTime) {
    let first = now().await;
    let drawn = random::<u64>().await;
    let id = uuid().await;
    sleep(seconds(5)).await;
    (first, drawn, id, now().await)
}

#[saga(app = World)]
async fn stops() -> Result<String, Oops> {
    act("a".into()).await?;
    publish(&1).await;
    pause("look at it").await;
    publish(&2).await;
    act("b".into()).await
}

#[saga(app = World)]
async fn pivots() -> Result<String, Oops> {
    commit().await;
    // Not by its own plan: a step behind a pivot that can fail.
    let step = tail("after".into());
    step.await
}

#[step]
async fn tail(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().act(&what);
    if io.app().fails(&what) { Err(Oops::Failed(what)) } else { Ok(what) }
}

#[step(compensate = undo(what.clone()))]
async fn keyed(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    let key = format!("{what} {}", io.key());
    io.app().act(&key);
    Ok(what)
}

#[saga(app = World)]
async fn inside() -> Result<(), Oops> {
    keyed("paid".into()).await?;
    tail("inside".into()).await?;
    Ok(())
}

/// A pivot, and behind it a saga that fails as a whole.
#[saga(app = World)]
async fn beyond(pivots: bool) -> Result<(), Oops> {
    if pivots {
        commit().await;
    }
    let behind = inside();
    behind.await
}

#[saga(app = World)]
async fn alone() -> Result<(), Oops> {
    spawn(alone()).id("alone").await;
    Ok(())
}

fn builder(sim: &Sim, world: &World) -> factum::Builder<World> {
    let builder = Engine::builder("/data").segment_bytes(64 << 10).app(world.clone()).sim(sim);
    let builder = builder.checkpoint_interval(Duration::from_secs(2)).sleep_after(Duration::from_secs(3));
    builder
        .saga(import)
        .saga(child)
        .saga(parent)
        .saga(values)
        .saga(stops)
        .saga(pivots)
        .saga(beyond)
        .saga(alone)
        .step(keyed)
}

#[test]
fn a_long_job_keeps_its_undos_and_signals_over_its_turns_and_its_journal_stays_short() {
    let (sim, world) = (Sim::new(1), World::new());
    for end in 0..2 {
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.start(import(0, 400, 0)).id("i").await.unwrap();
            // It comes in the first turn, and is for the second.
            engine.signal("i", Go(1)).sender_id("one").await.unwrap();
            world.happened("page 399", 1).await;
            if end == 0 {
                sim.sleep(Duration::from_secs(20)).await;
                let records = engine.history("i").await.unwrap().len();
                assert!(records < 20, "{records} records");
                return;
            }
            world.fail_next("last");
            engine.signal("i", Go(7)).await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
            engine.shutdown().await.unwrap();
        });
        sim.crash(Loss::Any);
    }
    let undone: Vec<String> = world.done().into_iter().filter(|what| what.starts_with("undo")).collect();
    let wanted: Vec<String> = (0..400).rev().map(|page| format!("undo page {page}")).collect();
    assert_eq!(undone, wanted);
    assert_eq!(world.count("page 7"), 1);
}

#[test]
fn a_child_is_a_run_and_its_end_is_its_parents() {
    let (sim, world) = (Sim::new(2), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        assert_eq!(engine.run(parent(1, false)).id("p").await.unwrap(), 12);
        let runs = engine.list().await.unwrap();
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, ["p", "p/1", "other"]);
        assert!(engine.run(parent(0, false)).id("q").await.is_err());
        assert_eq!((world.count("undo before"), world.count("undo child 0")), (1, 1));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_cancel_reaches_the_linked_children_and_no_others() {
    let (sim, world) = (Sim::new(3), World::new());
    for end in 0..2 {
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.start(parent(1, true)).id("p").await.unwrap();
            world.happened("child 5", 1).await;
            world.happened("child 1", 1).await;
            if end == 0 {
                sim.sleep(Duration::from_secs(20)).await;
                return;
            }
            engine.cancel("p").await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
            let linked = engine.attach(child, "p/1").await.unwrap();
            assert!(matches!(linked.outcome().await.unwrap(), Outcome::Cancelled(_)));
            let other = engine.attach(child, "other").await.unwrap();
            assert!(matches!(other.outcome().await.unwrap(), Outcome::Completed(_)));
            engine.shutdown().await.unwrap();
        });
        sim.crash(Loss::Any);
    }
    assert_eq!((world.count("undo child 1"), world.count("undo before"), world.count("undo child 5")), (1, 1, 0));
}

#[test]
fn values_of_the_world_are_the_same_after_a_crash() {
    let (sim, world) = (Sim::new(4), World::new());
    let mut first = None;
    for _ in 0..2 {
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.start(values()).id("v").await.unwrap();
            if first.is_none() {
                sim.sleep(Duration::from_secs(1)).await;
                let drawn = engine.history("v").await.unwrap();
                first = Some(drawn.iter().map(|entry| entry.event.to_string()).collect::<Vec<_>>());
                return;
            }
            let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!() };
            let (began, _, id, ended) = *run.output();
            assert!(ended >= began + Duration::from_secs(5));
            assert_eq!(id.get_version_num(), 4);
            let drawn = engine.history("v").await.unwrap();
            let drawn: Vec<_> = drawn.iter().map(|entry| entry.event.to_string()).collect();
            assert!(drawn.starts_with(first.as_ref().unwrap()), "{drawn:?}");
            engine.shutdown().await.unwrap();
        });
        sim.crash(Loss::Any);
    }
}

#[test]
fn a_paused_run_stays_so_over_a_restart_and_goes_on_where_it_stopped() {
    let (sim, world) = (Sim::new(5), World::new());
    for end in 0..3 {
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.start(stops()).id("s").await.unwrap();
            if end < 2 {
                assert!(matches!(run.outcome().await.unwrap(), Outcome::Paused(_)));
                assert_eq!(run.info().status, Status::Paused);
                assert_eq!(run.info().problem.as_deref(), Some("look at it"));
                if end == 1 {
                    drop(run);
                    sim.sleep(Duration::from_secs(20)).await;
                    assert_eq!(engine.stats().runs_in_memory, 0);
                }
                return;
            }
            engine.resume("s").await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
            engine.shutdown().await.unwrap();
        });
        sim.crash(Loss::Any);
    }
    assert_eq!(world.done(), ["a", "b"]);
}

#[test]
fn a_cancel_outweighs_a_pause_and_reaches_a_child() {
    let (sim, world) = (Sim::new(6), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(parent(1, true)).id("p").await.unwrap();
        world.happened("child 1", 1).await;
        world.happened("child 5", 1).await;
        engine.pause("p", "wait").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Paused(_)));
        engine.cancel("p").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
        assert_eq!((world.count("undo before"), world.count("undo child 1")), (1, 1));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_failed_undo_is_retried_or_settled_by_hand() {
    let (sim, world) = (Sim::new(7), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        for (id, verb) in [("r", "retry"), ("s", "resolve"), ("a", "abandon")] {
            world.fail_next("undo page 0");
            world.fail_next("page 1");
            let run = engine.start(import(0, 3, 0)).id(id).await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)), "{id}");
            let history = engine.history(id).await.unwrap();
            let failed = history.iter().find_map(|entry| match &entry.event {
                Event::CompensationFailed { of, .. } => Some(of.clone()),
                _ => None,
            });
            match verb {
                "retry" => engine.retry(id).await.unwrap(),
                "resolve" => engine.resolve(id, &failed.unwrap(), "paid back by hand").await.unwrap(),
                _ => engine.abandon(id, "nobody wants it").await.unwrap(),
            }
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)), "{id}");
            assert!(engine.retry(id).await.is_err());
        }
        assert_eq!(world.count("undo page 0"), 4);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn what_failed_after_a_pivot_is_done_again_by_a_retry() {
    let (sim, world) = (Sim::new(8), World::new());
    for end in 0..2 {
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            if end == 0 {
                world.fail_next("after");
            }
            let run = engine.start(pivots()).id("p").await.unwrap();
            if end == 0 {
                assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)));
                return;
            }
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)), "it is stuck still");
            engine.retry("p").await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)), "{:?}", run.info());
            assert!(events(&engine, "p").await.contains(&"retried"));
            engine.shutdown().await.unwrap();
        });
        sim.crash(Loss::Any);
    }
    assert_eq!(world.done(), ["commit", "after", "after"]);
}

#[test]
fn a_saga_that_was_undone_and_is_done_again_has_other_keys() {
    let (sim, world) = (Sim::new(9), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        world.fail_next("inside");
        let run = engine.start(beyond(true)).id("b").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)));
        engine.retry("b").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)), "{:?}", run.info());
        let paid: Vec<String> = world.done().into_iter().filter(|what| what.starts_with("paid")).collect();
        assert_eq!(paid.len(), 2);
        assert_ne!(paid[0], paid[1], "the provider would give back what was refunded");
        assert_eq!(world.count("undo paid"), 1);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_run_cannot_be_its_own_child() {
    let (sim, world) = (Sim::new(10), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(alone()).id("alone").await.unwrap();
        let Outcome::Failed(run) = run.outcome().await.unwrap() else { panic!() };
        assert!(run.failure().to_string().contains("its own child"), "{}", run.failure());
        engine.shutdown().await.unwrap();
    });
}
