//! Runs by the calendar.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Blob, Error, Missed, RunId, Status};

use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);

#[step(pure)]
async fn act(io: &mut Io<World>, what: String) {
    io.app().act(what);
}

#[saga(app = World)]
async fn clean_up(what: String) {
    act(what).await;
}

#[saga(app = World)]
async fn other() {}

#[saga(app = World)]
async fn reads(pages: Blob, long: String) {
    act(format!("{} bytes, {} letters", pages.len(), long.len())).await;
}

/// A machine on which nothing takes long.
fn machine(seed: u64) -> Sim {
    let sim = Sim::new(seed);
    sim.set_patience(10 * DAY);
    sim
}

/// 2026-01-01T00:00:00Z is the beginning of all simulations.
fn builder(sim: &Sim, world: &World) -> factum::Builder<World> {
    let builder = Engine::builder("/data").segment_bytes(256 << 10).app(world.clone()).sim(sim);
    builder.saga(clean_up).checkpoint_interval(Duration::from_secs(600)).sleep_after(Duration::from_secs(60))
}

async fn open(sim: &Sim, world: &World) -> Engine {
    builder(sim, world).open().await.unwrap()
}

async fn nightly(engine: &Engine, missed: Missed) -> factum::ScheduleInfo {
    engine.schedule(clean_up("swept".into()), "0 3 * * *").id("nightly").missed(missed).await.unwrap()
}

/// The days on which a run was started, all of which have completed.
async fn days(engine: &Engine) -> Vec<String> {
    let runs = engine.list().await.unwrap().into_iter().filter(|run| run.workflow == "clean_up");
    let started = runs.map(|run| {
        assert_eq!(run.status, Status::Completed, "{run:?}");
        let day = run.id.as_str().strip_prefix("nightly/2026-01-").and_then(|id| id.strip_suffix("T03:00:00Z"));
        day.unwrap_or_else(|| panic!("{}", run.id)).to_owned()
    });
    started.collect()
}

#[test]
fn a_run_is_started_at_every_moment_and_the_schedules_journal_stays_short() {
    let (sim, world) = (machine(1), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        let info = nightly(&engine, Missed::Once).await;
        assert_eq!((info.id, info.status), (RunId::from("nightly"), Status::Waiting));
        assert_eq!(info.next, Some((sim.now(), 3 * HOUR)).map(|(now, d)| std::time::SystemTime::from(now) + d));
        sim.sleep(5 * DAY).await;
        assert_eq!(days(&engine).await, ["01", "02", "03", "04", "05"]);
        assert_eq!(world.count("swept"), 5);
        assert_eq!(engine.stats().runs_in_memory, 0, "it sleeps until it is time");
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn whenever_the_power_fails_each_moment_starts_one_run() {
    for seed in 0..25 {
        let (sim, world) = (machine(seed), World::new());
        let mut dice = fastrand::Rng::with_seed(seed);
        let begun = sim.now();
        while sim.elapsed() < 5 * DAY {
            sim.run(async {
                let engine = open(&sim, &world).await;
                nightly(&engine, Missed::All).await;
                // Around the moments most of all.
                let to_three = (27 * HOUR)
                    .saturating_sub(Duration::from_nanos((sim.elapsed().as_nanos() % DAY.as_nanos()) as u64));
                let to_three = to_three.as_nanos() as u64 % DAY.as_nanos() as u64;
                sim.sleep(Duration::from_nanos(to_three + dice.u64(0..50_000_000))).await;
                std::mem::forget(engine);
            });
            sim.crash(Loss::Any);
        }
        sim.run(async {
            let engine = open(&sim, &world).await;
            sim.sleep(Duration::from_secs(1)).await;
            let days = days(&engine).await;
            let all: Vec<String> = (1..=days.len()).map(|day| format!("{day:02}")).collect();
            assert!(days.len() >= 5 && days == all, "seed {seed}, since {begun}: {days:?}");
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn missed_moments_are_skipped_or_caught_up_on_once_or_one_by_one() {
    for (missed, expected) in [
        (Missed::Skip, &["01", "05"][..]),
        (Missed::Once, &["01", "04", "05"]),
        (Missed::All, &["01", "02", "03", "04", "05"]),
    ] {
        let (sim, world) = (machine(3), World::new());
        sim.run(async {
            let engine = open(&sim, &world).await;
            nightly(&engine, missed).await;
            sim.sleep(4 * HOUR).await;
            engine.shutdown().await.unwrap();
            sim.sleep(3 * DAY).await;
            let engine = open(&sim, &world).await;
            sim.sleep(DAY).await;
            assert_eq!(days(&engine).await, expected, "{missed:?}");
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_moment_that_is_less_than_a_minute_late_is_not_missed() {
    let (sim, world) = (machine(4), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        nightly(&engine, Missed::Skip).await;
        engine.shutdown().await.unwrap();
        sim.sleep(3 * HOUR + Duration::from_secs(50)).await;
        let engine = open(&sim, &world).await;
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(days(&engine).await, ["01"]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn what_a_schedule_starts_keeps_its_blobs_and_long_arguments() {
    let (sim, world) = (machine(8), World::new());
    let builder = || builder(&sim, &world).saga(reads).arena_segment_bytes(256 << 10);
    sim.run(async {
        let engine = builder().open().await.unwrap();
        let pages = engine.put(vec![7; 100_000]).await.unwrap();
        engine.schedule(reads(pages, "x".repeat(100_000)), "@hourly").id("reader").await.unwrap();
        sim.sleep(3 * HOUR + HOUR / 2).await;
        engine.shutdown().await.unwrap();
        let engine = builder().open().await.unwrap();
        sim.sleep(HOUR).await;
        assert_eq!(world.done(), ["100000 bytes, 100000 letters"; 4]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_paused_schedule_misses_its_moments_and_a_cancelled_one_has_ended() {
    let (sim, world) = (machine(5), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        nightly(&engine, Missed::Skip).await;
        engine.pause("nightly", "stocktaking").await.unwrap();
        sim.sleep(2 * DAY).await;
        assert_eq!(days(&engine).await, [""; 0]);
        engine.resume("nightly").await.unwrap();
        sim.sleep(DAY).await;
        assert_eq!(days(&engine).await, ["03"]);
        engine.cancel("nightly").await.unwrap();
        sim.sleep(DAY).await;
        assert_eq!(days(&engine).await, ["03"]);
        let info = nightly(&engine, Missed::Skip).await;
        assert_eq!((info.status, info.next), (Status::Cancelled, None));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_bad_schedule_is_refused() {
    let (sim, world) = (machine(6), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        nightly(&engine, Missed::Once).await;
        let text = async |request: factum::ScheduleRequest| request.await.unwrap_err().to_string();
        let sweep = || clean_up("swept".into());
        assert_eq!(
            text(engine.schedule(sweep(), "0 3 * *")).await,
            "`0 3 * *` is no schedule: pattern must have between 5 and 7 fields; \
             write minute, hour, day of month, month and day of week, as in `0 3 * * *`"
        );
        let never = engine.schedule(sweep(), "0 0 30 2 *").await.unwrap_err();
        assert!(matches!(&never, Error::NoSchedule { reason, .. } if reason == "no such moment ever comes"), "{never}");
        let conflict = engine.schedule(sweep(), "0 4 * * *").id("nightly").await.unwrap_err();
        assert!(matches!(conflict, Error::Conflict { differs: "input", .. }), "{conflict}");
        let conflict = engine.schedule(clean_up("else".into()), "0 3 * * *").id("nightly").await.unwrap_err();
        assert!(matches!(conflict, Error::Conflict { differs: "input", .. }), "{conflict}");
        let unknown = engine.schedule(other(), "0 3 * * *").await.unwrap_err();
        assert!(matches!(&unknown, Error::NotRegistered { workflow, .. } if workflow == "other"), "{unknown}");
        let long = engine.schedule(sweep(), "0 3 * * *").id("x".repeat(492)).await.unwrap_err();
        assert!(matches!(long, Error::InvalidId { found: 492, limit: 491 }), "{long}");
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_schedule_is_verified_exported_and_goes_on_elsewhere_if_what_it_starts_is_there() {
    let (sim, world) = (machine(9), World::new());
    let mut export = Vec::new();
    sim.run(async {
        let engine = open(&sim, &world).await;
        nightly(&engine, Missed::Once).await;
        sim.sleep(2 * DAY).await;
        engine.export("nightly", &mut export).await.unwrap();
        engine.shutdown().await.unwrap();
        let report = builder(&sim, &world).verify().await.unwrap();
        assert!(report.problems.is_empty(), "{report:?}");
        let without = Engine::builder("/without").app(world.clone()).saga(other).sim(&sim).open().await.unwrap();
        let error = without.import(&*export).await.unwrap_err();
        assert!(matches!(&error, Error::NotRegistered { workflow, .. } if workflow == "clean_up"), "{error}");
        without.shutdown().await.unwrap();
        let with = Engine::builder("/with").app(world.clone()).saga(clean_up).sim(&sim).open().await.unwrap();
        with.import(&*export).await.unwrap();
        sim.sleep(DAY).await;
        assert_eq!(days(&with).await, ["03"]);
        with.shutdown().await.unwrap();
    });
}

#[test]
fn an_engine_without_the_scheduled_workflow_does_not_open_on_the_schedule() {
    let (sim, world) = (machine(7), World::new());
    let without = || Engine::builder("/data").app(world.clone()).saga(other).sim(&sim);
    for sleeps in [false, true] {
        sim.run(async {
            let engine = open(&sim, &world).await;
            nightly(&engine, Missed::Once).await;
            if sleeps {
                sim.sleep(2 * HOUR).await;
                assert_eq!(engine.stats().runs_in_memory, 0);
            }
            engine.shutdown().await.unwrap();
            let error = without().open().await.unwrap_err();
            let Error::UnknownWorkflows { missing } = &error else { panic!("{error}") };
            assert_eq!((&*missing[0].name, &*missing[0].runs), ("clean_up", &[RunId::from("nightly")][..]));
        });
    }
    sim.run(async {
        // Left alone, it goes on when its workflow is back.
        let engine = without().keep_unknown_workflows().open().await.unwrap();
        sim.sleep(DAY).await;
        engine.shutdown().await.unwrap();
        let engine = open(&sim, &world).await;
        sim.sleep(DAY).await;
        assert_eq!(days(&engine).await, ["01", "02"]);
        engine.shutdown().await.unwrap();
    });
}
