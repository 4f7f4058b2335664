//! What is on disk when, and what it costs.

use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Durability, Stats};

use crate::world::{World, builder};

#[step]
async fn effect(io: &mut Io<World>, n: u32) -> u32 {
    let _ = io;
    n
}

#[saga(app = World)]
async fn ten_effects() -> u32 {
    let mut sum = 0;
    for n in 0..10 {
        sum += effect(n).await;
    }
    sum
}

fn since(before: Stats, after: Stats) -> (u64, u64) {
    (after.syncs - before.syncs, after.records - before.records)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_run_of_ten_effectful_steps_makes_at_most_twelve_syncs() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).segment_bytes(1 << 20).saga(ten_effects).open().await.unwrap();
    let before = engine.stats();
    assert_eq!(engine.run(ten_effects()).await.unwrap(), 45);
    let (syncs, records) = since(before, engine.stats());
    println!("a run of 10 effectful steps: {syncs} syncs, {records} records");
    assert!((11..=12).contains(&syncs), "{syncs} syncs: each step's outcome is durable before the next effect");
    engine.shutdown().await.unwrap();
}

/// On a simulated machine: how many share one depends on nobody's scheduler.
#[test]
fn sixty_four_concurrent_runs_share_their_syncs() {
    let (sim, world) = (Sim::new(1), World::new());
    sim.run(async {
        let builder = Engine::builder("/data").segment_bytes(4 << 20).app(world.clone()).saga(ten_effects);
        let engine = builder.sim(&sim).open().await.unwrap();
        let together = SystemTime::from(sim.now()) + Duration::from_secs(3_600);
        let mut runs = Vec::new();
        for _ in 0..64 {
            runs.push(engine.start(ten_effects()).at(together).await.unwrap());
        }
        let before = engine.stats();
        for run in runs {
            let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!("not completed") };
            assert_eq!(*run.output(), 45);
        }
        let (syncs, records) = since(before, engine.stats());
        println!("64 runs of 10 effectful steps: {syncs} syncs, {records} records");
        assert!(syncs < 64 * 11 / 4, "{syncs} syncs for 64 runs, of which each alone makes 11");
        engine.shutdown().await.unwrap();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_durability_none_nothing_waits_for_a_sync_and_a_shutdown_still_keeps_everything() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let open = || builder(dir.path(), &world).durability(Durability::None).saga(ten_effects).open();
    let engine = open().await.unwrap();
    let before = engine.stats();
    engine.run(ten_effects()).id("r").await.unwrap();
    let (syncs, _) = since(before, engine.stats());
    assert_eq!(syncs, 0);
    engine.shutdown().await.unwrap();
    let engine = open().await.unwrap();
    assert_eq!(engine.run(ten_effects()).id("r").await.unwrap(), 45);
    assert_eq!(engine.open_report().resumed, 0);
    engine.shutdown().await.unwrap();
}
