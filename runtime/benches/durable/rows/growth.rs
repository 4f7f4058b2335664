//! Whether a step costs the same however long its run is, and however many runs there are.
//!
//! Without waiting for the disk, so that what is compared is the engine's own work: `Durability::None`, the checkpointer
//! as always. What is counted is processor time of the whole process, from a checkpointer at rest to one at rest: so what
//! it does for the steps is in their cost. Each size is measured over about as many steps in all.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use factum::prelude::*;
use factum::{Durability, Status};

use crate::Result;
use crate::bench::{Bench, builder, load, rest, side_by_side};
use crate::process;
use crate::report::{Sample, median};
use crate::work::{GATE, Go, STEPS, halfway, many, together};

/// The sizes, each ten times the one before.
const SIZES: [u64; 5] = [10, 100, 1_000, 10_000, 100_000];

/// What a step cost at each size, in ns, over and over: so that a minute in which the machine was slow is no size's own.
#[derive(Default)]
struct Costs(BTreeMap<u64, Vec<f64>>);

impl Costs {
    /// Seconds, and for how many steps.
    fn add(&mut self, size: u64, cost: f64, steps: u64) {
        self.0.entry(size).or_default().push(cost * 1e9 / steps as f64);
    }

    /// The dearest against the cheapest.
    fn file(self, bench: &mut Bench, key: &str, what: &str, note: &str) -> Result<()> {
        let costs = self.0.into_iter().filter_map(|(size, costs)| Some((size, median(costs)?)));
        let mut costs: Vec<(u64, f64)> = costs.collect();
        if let Some((size, _)) = costs.iter().find(|(_, cost)| *cost <= 0.0)
            && !bench.args.quick
        {
            return Err(format!("a step cost nothing with {size} {what}: it is lost among all else").into());
        }
        // At small sizes it may be.
        costs.retain(|(_, cost)| *cost > 0.0);
        let cost = || costs.iter().map(|(_, cost)| *cost);
        let (Some(dearest), Some(cheapest)) = (cost().reduce(f64::max), cost().reduce(f64::min)) else {
            return Err("nothing was measured".into());
        };
        let each: Vec<String> = costs.iter().map(|(size, cost)| format!("{size} {what}: {cost:.0} ns")).collect();
        bench.add(key, Sample::against(dearest, cheapest), format!("in the last round {}{note}", each.join(", ")));
        Ok(())
    }
}

/// In runs of 10 to 100,000 steps: what a further step costs, from each size to the next, so that what a run costs by
/// itself is in none of them.
pub(super) async fn steps(bench: &mut Bench) -> Result<()> {
    let engine = bench.unsynced().await?;
    let (total, passes) = bench.size((200_000, 3), (20_000, 1));
    let mut costs = Costs::default();
    for _ in 0..passes {
        let mut shorter = repeated(bench, &engine, 1, total / 10).await?;
        for steps in SIZES {
            let run = repeated(bench, &engine, steps, (total / steps).max(1)).await?;
            costs.add(steps, run - shorter, steps - steps / 10);
            shorter = run;
        }
    }
    costs.file(bench, "growth-steps", "steps", "")
}

/// What runs cost on average that come one after the other, in seconds.
async fn repeated(bench: &Bench, engine: &Engine, steps: u64, runs: u64) -> Result<f64> {
    bench.tell(&format!("{runs} runs of {steps} steps"));
    let starter = engine.clone();
    let cost = cost(engine, async move {
        let all = tokio::spawn(async move {
            for _ in 0..runs {
                starter.run(many(steps)).await?;
            }
            Ok(())
        });
        all.await?
    });
    Ok(cost.await?.as_secs_f64() / runs as f64)
}

/// The processor time that work takes, with what the checkpointer has to do for it.
async fn cost(engine: &Engine, work: impl Future<Output = Result<()>>) -> Result<Duration> {
    rest(engine).await?;
    let before = process::processor();
    work.await?;
    rest(engine).await?;
    Ok(process::processor() - before)
}

/// With 10 to 100,000 runs in flight, all at work and in memory: the first step of the first ones ends when all of them
/// have come to it.
pub(super) async fn flight(bench: &mut Bench) -> Result<()> {
    let dir = bench.fresh("flight")?;
    // Usually not more than 10,000 are to be in memory, and starts wait.
    let engine = builder(&dir).saga(together).durability(Durability::None).resident_runs(200_000).open().await?;
    load(&engine, 512, 2_000).await?;
    let (least, passes, sizes) = bench.size((20_000, 3, &SIZES[..]), (4_000, 1, &SIZES[..4]));
    let (mut costs, mut most) = (Costs::default(), 0);
    for _ in 0..passes {
        for &flight in sizes {
            bench.tell(&format!("{flight} runs at work"));
            let runs = flight.max(least);
            GATE.close(flight as usize);
            let starter = engine.clone();
            let load = side_by_side(flight as usize, runs as usize, move |n| {
                let engine = starter.clone();
                async move {
                    engine.run(together(n as u64)).await?;
                    Ok(())
                }
            });
            most = 0;
            let taken = cost(&engine, watched(&engine, &mut most, load)).await?;
            if !GATE.is_open() || (most as u64) < flight / 2 {
                return Err(format!("{most} runs were in memory, and not {flight}").into());
            }
            costs.add(flight, taken.as_secs_f64(), runs * STEPS as u64);
        }
    }
    engine.shutdown().await?;
    std::fs::remove_dir_all(dir)?;
    let note = format!("; of the last ones {most} were in memory at once, some of which had ended");
    costs.file(bench, "growth-flight", "runs", &note)
}

/// Looks how many runs are in memory at most meanwhile.
async fn watched(engine: &Engine, most: &mut usize, work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            ended = &mut work => return ended,
            () = tokio::time::sleep(Duration::from_millis(5)) => *most = (*most).max(engine.stats().runs_in_memory),
        }
    }
}

/// With 10 to 100,000 runs that wait, and 512 at work.
pub(super) async fn waiting(bench: &mut Bench) -> Result<()> {
    let dir = bench.fresh("waiting")?;
    let engine = builder(&dir).durability(Durability::None).open().await?;
    let (runs, passes, sizes) = bench.size((20_000, 3, &SIZES[..]), (4_000, 1, &SIZES[..4]));
    load(&engine, 512, runs as usize / 4).await?;
    let (mut costs, mut there, mut resident) = (Costs::default(), 0, 0);
    for &wait in sizes {
        bench.tell(&format!("{wait} runs that wait"));
        let starter = engine.clone();
        side_by_side(512, (wait - there) as usize, move |n| {
            let engine = starter.clone();
            async move {
                let n = there + n as u64;
                engine.start(halfway(n)).id(format!("waits-{n}")).await?;
                Ok(())
            }
        })
        .await?;
        there = wait;
        all_wait(&engine, wait as usize).await?;
        resident = engine.stats().runs_in_memory;
        for _ in 0..passes {
            let work = load(&engine, 512, runs as usize);
            let taken = cost(&engine, async { work.await.map(drop) }).await?;
            costs.add(wait, taken.as_secs_f64(), runs * STEPS as u64);
        }
    }
    // And one goes on when it is told to.
    let run = engine.attach(halfway, "waits-0").await?;
    run.signal(Go).await?;
    run.outcome().await?;
    drop(run);
    engine.shutdown().await?;
    std::fs::remove_dir_all(dir)?;
    let note = format!("; when the last of them waited {resident} runs were in memory");
    costs.file(bench, "growth-waiting", "runs", &note)
}

/// Until each of so many runs has come to its wait.
async fn all_wait(engine: &Engine, runs: usize) -> Result<()> {
    let began = Instant::now();
    loop {
        let there = engine.list().status(Status::Waiting).limit(runs).await?.len();
        if there == runs {
            return Ok(());
        }
        if began.elapsed() > Duration::from_secs(120) {
            return Err(format!("{there} of {runs} runs wait").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
