//! Whether a step costs the same however long its run is, and however many runs there are.
//!
//! Without waiting for the disk, so that what is compared is the engine's own work: `Durability::None`, the checkpointer
//! as always. Each size is measured over about as many steps in all.

use std::time::{Duration, Instant};

use factum::prelude::*;

use crate::Result;
use crate::bench::{Bench, builder, load, rest, side_by_side};
use crate::report::Sample;
use crate::work::{Go, STEPS, halfway, many};

/// In runs of 10 to 100,000 steps: what a further step costs, from each size to the next, so that what a run costs by
/// itself is in none of them.
pub(super) async fn steps(bench: &mut Bench) -> Result<()> {
    let engine = bench.unsynced().await?;
    let total = bench.size(200_000, 30_000);
    let mut costs = Vec::new();
    let mut shorter = repeated(bench, &engine, 1, total / 10).await?;
    for steps in [10, 100, 1_000, 10_000, 100_000] {
        let run = repeated(bench, &engine, steps, (total / steps).max(1)).await?;
        costs.push((steps, run.saturating_sub(shorter).as_secs_f64() * 1e9 / (steps - steps / 10) as f64));
        shorter = run;
    }
    add(bench, "growth-steps", &costs, "steps")
}

/// The mean time of runs one after the other.
async fn repeated(bench: &Bench, engine: &Engine, steps: u64, runs: u64) -> Result<Duration> {
    rest(engine).await?;
    bench.tell(&format!("{runs} runs of {steps} steps"));
    let engine = engine.clone();
    let began = Instant::now();
    let all = tokio::spawn(async move {
        for _ in 0..runs {
            engine.run(many(steps)).await?;
        }
        Ok::<(), crate::Error>(())
    });
    all.await??;
    Ok(began.elapsed() / u32::try_from(runs)?)
}

/// With 10 to 100,000 runs in flight, all at work.
pub(super) async fn flight(bench: &mut Bench) -> Result<()> {
    let engine = bench.unsynced().await?;
    let least = bench.size(30_000, 5_000);
    let mut costs = Vec::new();
    for flight in bench.size(&[10, 100, 1_000, 10_000, 100_000][..], &[10, 100, 1_000, 10_000][..]) {
        rest(&engine).await?;
        bench.tell(&format!("{flight} runs at work"));
        let runs = least.max(*flight);
        let took = load(&engine, *flight, runs).await?;
        costs.push((*flight as u64, took.as_secs_f64() * 1e9 / (runs * STEPS) as f64));
    }
    add(bench, "growth-flight", &costs, "runs")
}

/// With 10 to 100,000 runs that wait, and 512 at work.
pub(super) async fn waiting(bench: &mut Bench) -> Result<()> {
    let dir = bench.fresh("waiting")?;
    let engine = builder(&dir).durability(factum::Durability::None).open().await?;
    let runs = bench.size(30_000, 5_000);
    load(&engine, 512, runs / 4).await?;
    let (mut costs, mut there) = (Vec::new(), 0);
    for wait in bench.size(&[10, 100, 1_000, 10_000, 100_000][..], &[10, 100, 1_000, 10_000][..]) {
        bench.tell(&format!("{wait} runs that wait"));
        let starter = engine.clone();
        side_by_side(512, wait - there, move |n| {
            let engine = starter.clone();
            async move {
                engine.start(halfway(n as u64)).id(format!("waits-{}", there + n)).await?;
                Ok(())
            }
        })
        .await?;
        there = *wait;
        rest(&engine).await?;
        let took = load(&engine, 512, runs).await?;
        costs.push((*wait as u64, took.as_secs_f64() * 1e9 / (runs * STEPS) as f64));
    }
    // They did wait: one goes on when it is told to.
    let run = engine.attach(halfway, "waits-0").await?;
    run.signal(Go).await?;
    run.outcome().await?;
    drop(run);
    engine.shutdown().await?;
    std::fs::remove_dir_all(dir)?;
    add(bench, "growth-waiting", &costs, "runs")
}

fn add(bench: &mut Bench, key: &str, costs: &[(u64, f64)], what: &str) -> Result<()> {
    let cost = || costs.iter().map(|(_, cost)| *cost);
    let (dearest, cheapest) = (cost().reduce(f64::max), cost().reduce(f64::min));
    let (Some(dearest), Some(cheapest)) = (dearest, cheapest) else { return Err("nothing was measured".into()) };
    let each: Vec<String> = costs.iter().map(|(size, cost)| format!("{size} {what}: {cost:.0} ns")).collect();
    bench.add(key, Sample::against(dearest, cheapest), format!("in the last round {}", each.join(", ")));
    Ok(())
}
