//! Outputs of 1 MiB, against blocks of 1 MiB written one after the other; and reading a large one in place.
//!
//! So many runs are in flight that the arena is never without work, and the arena syncs what has gathered, 8 MiB at most. So
//! the baseline syncs after every 8 MiB: the fewest syncs that the engine can do with. It writes into a file of zeros,
//! while the arena's segments are allocated beforehand and not written to.

use std::time::Instant;

use factum::prelude::*;

use crate::Result;
use crate::baseline;
use crate::bench::{Bench, rest, side_by_side};
use crate::child::Child;
use crate::process;
use crate::report::{Sample, figure};
use crate::work::{MIB, blobs, noise};

/// Runs in flight.
const FLIGHT: usize = 16;
/// Blobs of a run.
const EACH: usize = 8;
/// Blocks that the baseline syncs at once.
const A_SYNC: usize = 8;

pub(super) async fn write(bench: &mut Bench) -> Result<()> {
    let dir = bench.fresh("blobs")?;
    let runs = bench.size(64, 16);
    let engine = Engine::builder(&dir).saga(blobs).open().await?;
    engine.run(blobs(2)).await?;
    rest(&engine).await?;
    let block = noise(MIB);
    let sequential = baseline::sequential(&bench.dir, &block, runs * EACH, A_SYNC)? / MIB as f64;

    let before = process::written()?;
    let starter = engine.clone();
    let began = Instant::now();
    side_by_side(FLIGHT, runs, move |_| {
        let engine = starter.clone();
        async move {
            engine.run(blobs(EACH as u64)).await?;
            Ok(())
        }
    })
    .await?;
    let took = began.elapsed().as_secs_f64();
    // With what goes into the checkpoint, and what the next segment of the log is made of.
    rest(&engine).await?;
    let written = (process::written()? - before) as f64;
    engine.shutdown().await?;
    std::fs::remove_dir_all(dir)?;

    let mib = (runs * EACH) as f64;
    let note = format!("{runs} runs of {EACH} blobs, {FLIGHT} in flight; the baseline syncs after every {A_SYNC} MiB");
    bench.add("blobs", Sample::against(mib / took, sequential), note);
    let note = format!("log, arena and checkpoint; payload of {} MiB", figure(mib));
    bench.add("blobs-written", Sample::against(written / MIB as f64, mib), note);
    Ok(())
}

/// In a process that has not written it, so that nothing but the reading takes memory.
pub(super) async fn read(bench: &mut Bench) -> Result<()> {
    let dir = bench.fresh("blob")?;
    let mib = bench.size(100, 20);
    let mut child = Child::start("put", &dir, &[mib])?;
    child.tells::<0>("put")?;
    child.end()?;
    let mut child = Child::start("read", &dir, &[])?;
    let [len, _, anon, all] = child.tells::<4>("read")?;
    child.end()?;
    std::fs::remove_dir_all(dir)?;
    if len as u64 != mib * MIB as u64 {
        return Err(format!("a blob of {len} bytes was read").into());
    }
    let note = format!(
        "the most that anonymous memory (`RssAnon`) grew while it was opened and read; with the pages of the mapped file, \
         which are the system's to take back, memory grew by {} MiB (`VmHWM`)",
        figure(all / MIB as f64)
    );
    bench.add("blob-read", Sample::against(anon / MIB as f64, mib as f64), note);
    Ok(())
}
