//! Runs that were half-way when the process was killed: how fast they end after the restart.
//!
//! Against runs of the same kind that are told to go on without a crash in between: each has a signal to record, and
//! five steps and an end to come.

use std::path::Path;
use std::time::Instant;

use factum::prelude::*;

use crate::Result;
use crate::bench::{Bench, builder, load, side_by_side};
use crate::child::{Child, half_id, start_halfway};
use crate::report::{Sample, figure};
use crate::work::{Go, STEPS, halfway};

const FLIGHT: usize = 512;

pub(super) async fn round(bench: &mut Bench) -> Result<()> {
    let runs = bench.size(10_000, 2_000);
    let dir = bench.fresh("parked")?;
    bench.tell(&format!("{runs} runs that are not killed"));
    let engine = builder(&dir).open().await?;
    load(&engine, FLIGHT, 1_000).await?;
    start_halfway(&engine, runs).await?;
    let unharmed = go_on(&engine, runs).await?;
    engine.shutdown().await?;
    std::fs::remove_dir_all(&dir)?;

    bench.tell(&format!("{runs} runs that are killed"));
    let mut child = Child::start("park", &dir, &[runs as u64])?;
    child.tells::<0>("parked")?;
    child.kill()?;
    let (opening, rate, records, resumed) = reopen(&dir, runs).await?;
    std::fs::remove_dir_all(&dir)?;
    let note = format!(
        "{runs} runs; the open took {} ms, replayed {records} records and found {resumed} runs",
        figure(opening * 1e3)
    );
    bench.add("parked", Sample::against(rate, unharmed), note);
    Ok(())
}

async fn reopen(dir: &Path, runs: usize) -> Result<(f64, f64, u64, usize)> {
    let began = Instant::now();
    let engine = builder(dir).open().await?;
    let opening = began.elapsed().as_secs_f64();
    let report = engine.open_report();
    let (records, resumed) = (report.records, report.resumed);
    let rate = go_on(&engine, runs).await?;
    engine.shutdown().await?;
    Ok((opening, rate, records, resumed))
}

/// Tells each run to go on, and waits for its end. Steps a second.
async fn go_on(engine: &Engine, runs: usize) -> Result<f64> {
    let engine = engine.clone();
    let began = Instant::now();
    side_by_side(FLIGHT, runs, move |n| {
        let engine = engine.clone();
        async move {
            let run = engine.start(halfway(n as u64)).id(half_id(n)).await?; // the run that there is
            run.signal(Go).await?;
            match run.outcome().await? {
                Outcome::Completed(_) => Ok(()),
                _ => Err(format!("run {n} has not ended well").into()),
            }
        }
    })
    .await?;
    Ok((runs * STEPS / 2) as f64 / began.elapsed().as_secs_f64())
}
