//! What recording a step costs when nobody waits for the disk.

use std::time::Instant;

use crate::Result;
use crate::baseline;
use crate::bench::{Bench, rest};
use crate::report::Sample;
use crate::work::many;

const STEPS: u64 = 100_000;

pub(super) async fn round(bench: &mut Bench) -> Result<()> {
    let engine = bench.unsynced().await?;
    rest(&engine).await?;
    let append = baseline::buffered(&bench.dir, bench.size(2_000_000, 500_000))?;
    let began = Instant::now();
    let run = tokio::spawn(async move { engine.run(many(STEPS)).await });
    run.await??;
    let step = began.elapsed().as_secs_f64() / STEPS as f64 * 1e9;
    let note = format!("one run of {STEPS} steps; an append of 256 bytes took {} ns", append.as_nanos());
    bench.add("unsynced", Sample::against(step, append.as_secs_f64() * 1e9), note);
    Ok(())
}
