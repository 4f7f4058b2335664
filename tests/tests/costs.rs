//! What a durable step costs, in what does not depend on the machine: allocations, instructions, syncs and bytes.
//!
//! The bounds are a little above what it is now: whoever makes it dearer finds out here, and whoever makes it cheaper
//! lowers them. Times are `BENCHMARKS.md`'s.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::future::IntoFuture;
use std::path::Path;
use std::process::Command;

use factum::Durability;
use factum::prelude::*;
use factum::testing::Sim;
use tokio::runtime::{Builder, Runtime};

#[step]
async fn act(n: u64) -> u64 {
    n
}

#[saga]
async fn acts(steps: u64) -> u64 {
    for n in 0..steps {
        act(n).await;
    }
    steps
}

/// The engine's tasks run on this thread; the log's writer and the checkpointer have their own.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn opened(runtime: &Runtime, dir: &Path, durability: Durability) -> Engine {
    runtime.block_on(Engine::builder(dir).durability(durability).saga(acts).open()).unwrap()
}

#[test]
fn a_step_allocates_so_often_and_no_oftener() {
    let (runtime, dir) = (runtime(), tempfile::tempdir().unwrap());
    let engine = opened(&runtime, dir.path(), Durability::Commit);
    let allocations = |steps| {
        let run = || assert_eq!(runtime.block_on(engine.run(acts(steps)).into_future()).unwrap(), steps);
        run();
        allocation_counter::measure(run).count_total
    };
    let (few, many) = (allocations(10), allocations(110));
    runtime.block_on(engine.shutdown()).unwrap();
    let each = (many - few) as f64 / 100.0;
    println!("{each} allocations a step, {few} for a run of ten");
    assert!(each <= 6.5, "{each} allocations a step");
    // The start, the ten steps and the end.
    assert!(few <= 95, "{few} allocations for a run of ten steps");
}

#[test]
fn a_run_waits_for_twelve_syncs_and_many_runs_share_theirs() {
    let sim = Sim::new(1);
    let (alone, together, bytes) = sim.run(async {
        let engine = Engine::builder("data").sim(&sim).saga(acts).open().await.unwrap();
        let before = engine.stats();
        engine.run(acts(10)).await.unwrap();
        let alone = engine.stats().syncs - before.syncs;
        let before = engine.stats();
        let mut runs = Vec::new();
        for _ in 0..256 {
            runs.push(engine.start(acts(10)).await.unwrap());
        }
        for run in runs {
            run.outcome().await.unwrap();
        }
        let after = engine.stats();
        engine.shutdown().await.unwrap();
        (alone, after.syncs - before.syncs, after.bytes - before.bytes)
    });
    assert!(alone <= 12, "{alone} syncs: the start, ten outcomes, and the end");
    println!("{alone} syncs for a run, {together} for 256 runs");
    // 256 starts, one after the other, wait for a sync each.
    assert!(together <= 650, "{together} syncs for 2,560 steps");
    let each = bytes as f64 / 2560.0;
    println!("{each} bytes a step");
    assert!(each <= 950.0, "{each} bytes a step");
}

#[test]
fn a_run_of_pure_steps_waits_for_its_start_and_its_end() {
    #[step(pure)]
    async fn think(n: u64) -> u64 {
        n
    }
    #[saga]
    async fn thinks(steps: u64) -> u64 {
        for n in 0..steps {
            think(n).await;
        }
        steps
    }
    let sim = Sim::new(1);
    let syncs = sim.run(async {
        let engine = Engine::builder("data").sim(&sim).saga(thinks).open().await.unwrap();
        let before = engine.stats();
        engine.run(thinks(10)).await.unwrap();
        let syncs = engine.stats().syncs - before.syncs;
        engine.shutdown().await.unwrap();
        syncs
    });
    assert!(syncs <= 3, "{syncs} syncs");
}

/// What is counted: nothing else runs in it.
#[inline(never)]
fn counted(runtime: &Runtime, engine: &Engine, steps: u64) {
    assert_eq!(runtime.block_on(engine.run(acts(steps)).into_future()).unwrap(), steps);
}

/// So many steps, for [`a_step_takes_so_many_instructions_and_no_more`].
#[test]
#[ignore = "no test by itself"]
fn steps_that_are_counted() {
    let Ok(steps) = std::env::var("FACTUM_STEPS") else { return };
    let (runtime, dir) = (runtime(), tempfile::tempdir().unwrap());
    let engine = opened(&runtime, dir.path(), Durability::None);
    counted(&runtime, &engine, steps.parse().unwrap());
    runtime.block_on(engine.shutdown()).unwrap();
}

/// By callgrind, where it is installed.
#[test]
fn a_step_takes_so_many_instructions_and_no_more() {
    let instructions = |steps: u32| -> Option<u64> {
        let out = tempfile::tempdir().unwrap();
        let told = Command::new("valgrind")
            .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*costs::counted*"])
            .arg(format!("--callgrind-out-file={}", out.path().join("out").display()))
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "steps_that_are_counted", "--ignored"])
            .env("FACTUM_STEPS", steps.to_string())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(told.status.success(), "{text}");
        let collected = text.lines().find_map(|line| line.split_once("Collected : ")).unwrap().1;
        Some(collected.trim().parse().unwrap())
    };
    let (Some(few), Some(many)) = (instructions(1000), instructions(3000)) else {
        println!("valgrind is not installed: instructions are not counted here");
        return;
    };
    assert!(few > 0, "nothing was counted");
    let each = (many - few) as f64 / 2000.0;
    let most = if cfg!(debug_assertions) { 70_000.0 } else { 9_000.0 };
    assert!(each <= most, "{each} instructions a step");
    println!("{each} instructions a step");
}
