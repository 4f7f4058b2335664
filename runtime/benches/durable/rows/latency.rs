//! One run after the other, and nobody else: how long each takes, in `fdatasync`s of the same minute.

use std::time::{Duration, Instant};

use factum::prelude::*;

use crate::Result;
use crate::baseline;
use crate::bench::{Bench, rest};
use crate::report::{Sample, median};
use crate::work::{ten, ten_pure};

pub(super) async fn round(bench: &mut Bench) -> Result<()> {
    let engine = bench.durable().await?;
    rest(&engine).await?;
    let runs = bench.size(300, 100);
    let sync = baseline::sync_loop(&bench.dir, bench.size(1_000, 300))?.as_secs_f64() * 1e6;
    // In a task, as a program would: the thread that blocks on everything is none of the runtime's.
    let effectful = tokio::spawn(one_by_one(engine.clone(), runs, |engine, n| async move {
        engine.run(ten(n)).await?;
        Ok(())
    }));
    let effectful = effectful.await??;
    let note = format!("median of {runs} runs, one after the other; `fdatasync` took {sync:.0} µs");
    bench.add("latency", Sample::against(effectful, 12.0 * sync), note.clone());
    let pure = tokio::spawn(one_by_one(engine, runs, |engine, n| async move {
        engine.run(ten_pure(n)).await?;
        Ok(())
    }));
    bench.add("latency-pure", Sample::against(pure.await??, sync), note);
    Ok(())
}

/// The median of the times of so many runs, in µs.
async fn one_by_one<F>(engine: Engine, runs: u64, run: impl Fn(Engine, u64) -> F) -> Result<f64>
where
    F: Future<Output = Result<()>>,
{
    let mut taken: Vec<Duration> = Vec::new();
    for n in 0..runs {
        let began = Instant::now();
        run(engine.clone(), n).await?;
        taken.push(began.elapsed());
    }
    Ok(median(taken.iter().map(Duration::as_secs_f64)).ok_or("no run")? * 1e6)
}
