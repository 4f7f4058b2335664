//! What runs in a process of its own, since it is killed, or since its memory is measured.
//!
//! The parent starts this program again as `child <task> <directory> <numbers>`. The child tells on stdout, a line a
//! fact: a word and numbers.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use factum::prelude::*;
use factum::{Builder, MemoryCheckpoint, Status};

use crate::Result;
use crate::bench::{builder, load, side_by_side};
use crate::process;
use crate::stuck::Stuck;
use crate::work::{WOKEN, halfway, input, large, nap};

/// The first argument of a child.
pub(crate) const CHILD: &str = "child";
/// So many runs are started at once.
const STARTS: usize = 512;

/// A child, as its parent holds it. Killed when it is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    lines: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(task: &str, dir: &Path, numbers: &[u64]) -> Result<Child> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([CHILD, task])
            .arg(dir)
            .args(numbers.iter().map(u64::to_string))
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(process.stdout.take().ok_or("no stdout")?);
        Ok(Child { process, lines })
    }

    /// The numbers behind a word that the child tells next.
    pub(crate) fn tells<const N: usize>(&mut self, word: &str) -> Result<[f64; N]> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        if words.next() != Some(word) {
            return Err(format!("a process of its own was to tell `{word}`, and told {line:?}").into());
        }
        let numbers = words.map(str::parse).collect::<std::result::Result<Vec<f64>, _>>()?;
        numbers.try_into().map_err(|_| format!("not {N} numbers: {line:?}").into())
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub(crate) fn end(mut self) -> Result<()> {
        match self.process.wait()?.success() {
            true => Ok(()),
            false => Err("a process of its own has failed".into()),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended.
        let _: Result<()> = self.kill();
    }
}

fn tell(word: &str, numbers: &[f64]) -> Result<()> {
    let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{word} {}", numbers.join(" "))?;
    Ok(out.flush()?)
}

/// Does what the arguments behind [`CHILD`] say.
pub(crate) async fn run(words: &[&str]) -> Result<()> {
    let [task, dir, numbers @ ..] = words else { return Err("a child has a task and a directory".into()) };
    let numbers = numbers.iter().map(|number| number.parse()).collect::<std::result::Result<Vec<u64>, _>>()?;
    let dir = Path::new(dir);
    match (*task, numbers.as_slice()) {
        ("put", [mib]) => put(dir, *mib).await,
        ("read", []) => read(dir).await,
        ("park", [runs]) => park(dir, *runs as usize).await,
        ("fill", [records]) => fill(dir, *records).await,
        ("open", []) => open(dir).await,
        ("asleep", [runs, soon, seconds]) => asleep(dir, *runs as usize, *soon as usize, *seconds).await,
        ("wake", [soon, moment]) => wake(dir, *soon, *moment).await,
        _ => Err(format!("no child does {words:?}").into()),
    }
}

/// Puts one large blob.
async fn put(dir: &Path, mib: u64) -> Result<()> {
    let engine = Engine::builder(dir).saga(large).open().await?;
    engine.run(large(mib)).id("large").await?;
    engine.shutdown().await?;
    tell("put", &[])
}

/// Reads that blob, every byte, and tells how much more memory that took at any moment.
async fn read(dir: &Path) -> Result<()> {
    let engine = Engine::builder(dir).saga(large).open().await?;
    let (anon, all) = (process::memory("RssAnon")?, process::memory("VmHWM")?);
    let (most, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watch = std::thread::spawn({
        let (most, done) = (most.clone(), done.clone());
        move || {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(process::memory("RssAnon").unwrap_or(u64::MAX), Ordering::Relaxed);
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    });
    let Outcome::Completed(run) = engine.attach(large, "large").await?.outcome().await? else {
        return Err("the run has not put its blob".into());
    };
    let blob = run.output();
    let sum: u64 = blob.iter().map(|byte| u64::from(*byte)).sum();
    done.store(true, Ordering::Relaxed);
    watch.join().map_err(|_| "the watch has panicked")?;
    most.fetch_max(process::memory("RssAnon")?, Ordering::Relaxed);
    let grown = |now: u64, then: u64| now.saturating_sub(then) as f64;
    let all = grown(process::memory("VmHWM")?, all);
    tell("read", &[blob.len() as f64, sum as f64, grown(most.load(Ordering::Relaxed), anon), all])
}

/// Starts runs that come to their middle, and waits there to be killed.
async fn park(dir: &Path, runs: usize) -> Result<()> {
    let engine = builder(dir).open().await?;
    start_halfway(&engine, runs).await?;
    tell("parked", &[])?;
    std::future::pending().await
}

/// Starts runs with ids, and waits until each waits in its middle.
pub(crate) async fn start_halfway(engine: &Engine, runs: usize) -> Result<()> {
    let starter = engine.clone();
    side_by_side(STARTS, runs, move |n| {
        let engine = starter.clone();
        async move {
            engine.start(halfway(n as u64)).id(half_id(n)).await?;
            Ok(())
        }
    })
    .await?;
    while engine.list().status(Status::Waiting).limit(runs).await?.len() < runs {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

pub(crate) fn half_id(n: usize) -> String {
    format!("half-{n}")
}

/// An engine whose checkpoint takes nothing, so that all that it records stays in the log.
fn tail_builder(dir: &Path) -> Builder {
    builder(dir).checkpoint_store(Stuck(MemoryCheckpoint::new()))
}

/// Writes so many records, and waits to be killed.
async fn fill(dir: &Path, records: u64) -> Result<()> {
    let engine = tail_builder(dir).open().await?;
    while engine.stats().records < records {
        // A run of ten steps has at least eleven records.
        let left = records - engine.stats().records;
        load(&engine, STARTS, (left / 22).max(50) as usize).await?;
    }
    let stats = engine.stats();
    tell("filled", &[stats.records as f64, stats.bytes as f64])?;
    std::future::pending().await
}

/// Opens what was filled, and ends without a word to the engine: the log stays as it is.
async fn open(dir: &Path) -> Result<()> {
    let began = Instant::now();
    let engine = tail_builder(dir).open().await?;
    let took = began.elapsed().as_secs_f64();
    tell("open", &[took, engine.open_report().records as f64])?;
    std::process::exit(0)
}

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// An engine that lets runs sleep soon.
fn sleep_builder(dir: &Path) -> Builder {
    Engine::builder(dir).saga(nap).sleep_after(Duration::from_secs(1)).checkpoint_interval(Duration::from_secs(1))
}

/// Starts runs that sleep for a month, tells what memory that takes when all do; then some that sleep until a moment.
async fn asleep(dir: &Path, runs: usize, soon: usize, seconds: u64) -> Result<()> {
    let engine = sleep_builder(dir).open().await?;
    let began = Instant::now();
    start_naps(&engine, runs, 0).await?;
    let took = began.elapsed().as_secs_f64();
    tell("asleep", &[took, process::memory("VmRSS")? as f64, process::memory("RssAnon")? as f64])?;
    let moment = now() + seconds * 1_000;
    start_naps(&engine, soon, moment).await?;
    engine.shutdown().await?;
    tell("down", &[moment as f64])
}

/// Starts runs, and waits until all of them have left memory.
async fn start_naps(engine: &Engine, runs: usize, until: u64) -> Result<()> {
    let starter = engine.clone();
    side_by_side(STARTS, runs, move |n| {
        let engine = starter.clone();
        async move {
            engine.start(nap(input(n as u64, until))).await?;
            Ok(())
        }
    })
    .await?;
    let began = Instant::now();
    while engine.stats().runs_in_memory > 0 {
        if began.elapsed() > Duration::from_secs(300) {
            return Err(format!("{} runs do not leave memory", engine.stats().runs_in_memory).into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Opens them again, and tells how late the last of those has woken that sleep until a moment.
async fn wake(dir: &Path, soon: u64, moment: u64) -> Result<()> {
    let began = Instant::now();
    let engine = sleep_builder(dir).open().await?;
    let took = began.elapsed().as_secs_f64();
    let early = moment as f64 - now() as f64;
    let sleeping = engine.open_report().sleeping as f64;
    tell("open", &[took, sleeping, early, process::memory("VmRSS")? as f64, process::memory("RssAnon")? as f64])?;
    while WOKEN.count.load(Ordering::Acquire) < soon && now() < moment + 60_000 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let late = WOKEN.last.load(Ordering::Acquire) as f64 - moment as f64;
    tell("woke", &[WOKEN.count.load(Ordering::Acquire) as f64, late])?;
    std::process::exit(0)
}
