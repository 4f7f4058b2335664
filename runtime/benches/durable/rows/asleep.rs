//! Runs that sleep for a month: the memory and the disk that they take, how fast they are there again, and how late
//! those are that wake together.

use crate::Result;
use crate::bench::Bench;
use crate::child::Child;
use crate::process;
use crate::report::{Sample, figure};
use crate::work::MIB;

pub(super) async fn round(bench: &mut Bench) -> Result<()> {
    let dir = bench.fresh("asleep")?;
    // So long before their moment those are started that wake together: they must have gone to sleep, and the engine must
    // be open again.
    let (runs, soon, seconds) = bench.size((1_000_000, 10_000, 45), (20_000, 2_000, 9));
    bench.tell(&format!("{runs} runs fall asleep"));
    let mut child = Child::start("asleep", &dir, &[runs, soon, seconds])?;
    let [took, all, anon] = child.tells("asleep")?;
    bench.tell(&format!("all asleep after {took:.0} s"));
    let [moment] = child.tells("down")?;
    child.end()?;
    let (disk, log) = (process::disk(&dir)? as f64, process::disk(&dir.join("wal"))? as f64);
    let mut child = Child::start("wake", &dir, &[soon, moment as u64])?;
    let [opening, sleeping, early, opened_all, opened_anon] = child.tells("open")?;
    if sleeping != (runs + soon) as f64 {
        return Err(format!("{sleeping} runs sleep of {}", runs + soon).into());
    }
    let mib = |bytes: f64| bytes / MIB as f64;
    let note = format!("in a process that has opened them; of that anonymous {} MiB", figure(mib(opened_anon)));
    bench.add("asleep-memory", Sample::alone(mib(opened_all)), note);
    let note = format!(
        "in the process that started {runs} runs as fast as it could, when all were asleep after {took:.0} s; of that anonymous \
         {} MiB",
        figure(mib(anon))
    );
    bench.add("asleep-started", Sample::alone(mib(all)), note);
    let each = (disk - log) / sleeping;
    let note = format!("what takes space after a shutdown, without {} MiB of segments of the log", figure(mib(log)));
    bench.add("asleep-disk", Sample::alone(each), note);
    bench.add("asleep-open", Sample::alone(opening), format!("{sleeping} runs that sleep"));
    if early <= 0.0 {
        return Err(format!("the engine was open {} ms after they were to wake", -early).into());
    }
    bench.tell(&format!("open again, {early:.0} ms before {soon} wake"));
    let [woken, late] = child.tells("woke")?;
    child.end()?;
    std::fs::remove_dir_all(dir)?;
    if woken != soon as f64 {
        return Err(format!("{woken} of {soon} runs have woken within a minute").into());
    }
    let note = format!("{soon} runs that sleep until one moment; the last of them after it");
    bench.add("asleep-wake", Sample::alone(late / 1e3), note);
    Ok(())
}
