//! Durable steps of many runs at once, against a group commit without an engine.
//!
//! The engine comes to rest before its load begins and after it: so what the checkpointer does for the steps that are
//! counted is in their processor time, and only that.

use crate::Result;
use crate::baseline;
use crate::bench::{Bench, load, rest};
use crate::process;
use crate::report::{Sample, figure};
use crate::work::STEPS;

pub(super) async fn round(bench: &mut Bench) -> Result<()> {
    let (runs, records) = bench.size((40_000, 1_500_000), (16_000, 200_000));
    at(bench, 512, runs, records).await?;
    if bench.wants(&["steps-64"]) {
        let (runs, records) = bench.size((15_000, 400_000), (2_000, 50_000));
        at(bench, 64, runs, records).await?;
    }
    Ok(())
}

async fn at(bench: &mut Bench, flight: usize, runs: usize, records: usize) -> Result<()> {
    let engine = bench.durable().await?;
    let before = rest(&engine).await?;
    let bare = baseline::group_commit(&bench.dir, flight, records / flight).await?;
    let processor = process::processor();
    let took = load(&engine, flight, runs).await?;
    let after = engine.stats();
    rest(&engine).await?;
    let processor = process::processor() - processor;

    let (steps, written) = ((runs * STEPS) as f64, (after.records - before.records) as f64);
    let applied = (after.applied.0 - before.applied.0) as f64;
    if flight == 512 && applied == 0.0 {
        return Err("not steady: the checkpointer applied nothing while it was measured".into());
    }
    let note = format!(
        "{runs} runs of {STEPS} steps; while they ran {:.0} % of their records went into the checkpoint",
        applied / written * 100.0
    );
    let key = if flight == 512 { "steps-512" } else { "steps-64" };
    bench.add(key, Sample::against(steps / took.as_secs_f64(), bare), note);
    if flight == 512 {
        let frames = (after.frames - before.frames) as f64;
        let note = format!(
            "`fdatasync`s of the log; {} records and {} bytes of log a step, {} records a frame",
            figure(written / steps),
            figure((after.bytes - before.bytes) as f64 / steps),
            figure(written / frames),
        );
        bench.add("syncs", Sample::alone((after.syncs - before.syncs) as f64 / steps), note);
        let note =
            "the whole process: the tasks that start runs, the log, and the checkpointer until it has done its part";
        bench.add("processor", Sample::alone(processor.as_secs_f64() * 1e6 / steps), note);
    }
    Ok(())
}
