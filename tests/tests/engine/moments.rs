//! Runs that begin later, and runs that must have ended by a moment.

use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Failure, Status, WaitingOn};

use crate::world::{Oops, World};

const HOUR: Duration = Duration::from_secs(3600);

#[step(compensate = free())]
async fn take(io: &mut Io<World>) {
    io.app().act("take");
}

#[step]
async fn free(io: &mut Io<World>) {
    io.app().act("free");
}

#[step(pivot)]
async fn pivot(io: &mut Io<World>) {
    io.app().act("pivot");
}

#[saga(app = World)]
async fn takes() -> Result<(), Oops> {
    take().await;
    Ok(())
}

#[saga(app = World)]
async fn sleeps() -> Result<(), Oops> {
    take().await;
    sleep(days(1)).await;
    Ok(())
}

#[saga(app = World)]
async fn past_its_pivot() -> Result<(), Oops> {
    take().await;
    pivot().await;
    sleep(days(1)).await;
    Ok(())
}

/// A machine on which nothing takes long.
fn machine(seed: u64) -> Sim {
    let sim = Sim::new(seed);
    sim.set_patience(48 * HOUR);
    sim
}

fn builder(sim: &Sim, world: &World) -> factum::Builder<World> {
    let builder = Engine::builder("/data").segment_bytes(256 << 10).app(world.clone()).sim(sim);
    builder.saga(takes).saga(sleeps).saga(past_its_pivot)
}

/// Lets go of every run that waits, soon.
fn eager(sim: &Sim, world: &World) -> factum::Builder<World> {
    builder(sim, world).checkpoint_interval(Duration::from_secs(60)).sleep_after(Duration::ZERO)
}

fn within(sim: &Sim, d: Duration) -> SystemTime {
    SystemTime::from(sim.now()) + d
}

#[test]
fn a_run_begins_at_its_moment_and_not_before_also_over_crashes() {
    for seed in 0..10 {
        let (sim, world) = (machine(seed), World::new());
        sim.run(async {
            let engine = eager(&sim, &world).open().await.unwrap();
            let moment = within(&sim, HOUR);
            let run = engine.start(takes()).id("r").at(moment).await.unwrap();
            sim.sleep(Duration::from_millis(1)).await;
            let info = run.info();
            assert_eq!((info.status, &info.waiting[0].on), (Status::Waiting, &WaitingOn::Start { until: moment }));
            drop(run);
            if seed % 2 == 0 {
                sim.sleep(HOUR / 4).await;
                assert_eq!(engine.stats().runs_in_memory, 0, "it sleeps on disk");
            }
            std::mem::forget(engine);
        });
        sim.crash(Loss::Any);
        sim.run(async {
            let engine = eager(&sim, &world).open().await.unwrap();
            sim.sleep(HOUR - Duration::from_millis(1) - sim.elapsed()).await;
            assert_eq!(world.done(), [""; 0]);
            assert_eq!(engine.attach(takes, "r").await.unwrap().outcome().await.unwrap().status(), Status::Completed);
            assert_eq!(world.done(), ["take"]);
            engine.shutdown().await.unwrap();
        });
        let late = sim.elapsed() - HOUR;
        assert!(late < Duration::from_secs(60), "{late:?}");
    }
}

#[test]
fn a_run_that_has_not_begun_is_cancelled_at_once() {
    for sleeping in [false, true] {
        let (sim, world) = (machine(2), World::new());
        sim.run(async {
            let engine = eager(&sim, &world).open().await.unwrap();
            engine.start(takes()).id("r").at(within(&sim, HOUR)).await.unwrap();
            if sleeping {
                sim.sleep(HOUR / 2).await;
                assert_eq!(engine.stats().runs_in_memory, 0);
            }
            engine.cancel("r").await.unwrap();
            let run = engine.attach(takes, "r").await.unwrap();
            assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled);
            assert!(sim.elapsed() < HOUR && world.done().is_empty());
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_moment_that_is_over_holds_nothing_up() {
    let (sim, world) = (machine(3), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        engine.run(takes()).at(SystemTime::UNIX_EPOCH).await.unwrap();
        assert!(sim.elapsed() < HOUR);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn what_is_done_by_the_deadline_is_undone_and_the_failure_says_why() {
    for eagerly in [false, true] {
        let (sim, world) = (machine(4), World::new());
        sim.run(async {
            let builder = if eagerly { eager(&sim, &world) } else { builder(&sim, &world) };
            let engine = builder.open().await.unwrap();
            engine.start(sleeps()).id("r").deadline(within(&sim, HOUR)).await.unwrap();
            if eagerly {
                sim.sleep(HOUR / 2).await;
                assert_eq!(engine.stats().runs_in_memory, 0);
                sim.sleep(HOUR / 2 + Duration::from_secs(31)).await;
                assert_eq!(world.done(), ["take", "free"], "it wakes by itself");
            }
            let outcome = engine.attach(sleeps, "r").await.unwrap().outcome().await.unwrap();
            let Outcome::Failed(run) = outcome else { panic!("{:?}", outcome.status()) };
            assert_eq!(*run.failure(), Failure::DeadlineExceeded);
            assert_eq!(world.done(), ["take", "free"]);
            assert!(sim.elapsed() < 2 * HOUR);
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_deadline_that_passes_while_no_engine_runs_counts() {
    for seed in 0..10 {
        let (sim, world) = (machine(seed), World::new());
        sim.run(async {
            let engine = eager(&sim, &world).open().await.unwrap();
            let run = engine.start(sleeps()).id("r").deadline(within(&sim, HOUR)).await.unwrap();
            world.happened("take", 1).await;
            sim.sleep(Duration::from_secs(seed)).await;
            drop(run);
            std::mem::forget(engine);
        });
        sim.crash(Loss::Any);
        sim.run(async {
            sim.sleep(2 * HOUR).await;
            let engine = eager(&sim, &world).open().await.unwrap();
            let outcome = engine.attach(sleeps, "r").await.unwrap().outcome().await.unwrap();
            assert_eq!(outcome.status(), Status::Failed);
            assert_eq!(world.done().last().unwrap(), "free");
            assert!(sim.elapsed() < 3 * HOUR);
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_deadline_ends_a_run_that_has_not_begun() {
    let (sim, world) = (machine(5), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let (at, deadline) = (within(&sim, 2 * HOUR), within(&sim, HOUR));
        let error = engine.run(takes()).at(at).deadline(deadline).await.unwrap_err();
        assert!(matches!(error, factum::RunError::Failed(Failure::DeadlineExceeded)), "{error}");
        assert!(sim.elapsed() < 2 * HOUR && world.done().is_empty());
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_deadline_behind_a_pivot_changes_nothing() {
    let (sim, world) = (machine(6), World::new());
    sim.run(async {
        let engine = eager(&sim, &world).open().await.unwrap();
        engine.run(past_its_pivot()).id("r").deadline(within(&sim, HOUR)).await.unwrap();
        assert_eq!(world.done(), ["take", "pivot"]);
        assert!(sim.elapsed() >= 24 * HOUR);
        engine.shutdown().await.unwrap();
    });
}
