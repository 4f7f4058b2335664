//! What all rows share: where they write, how much they do, the engines that stay open, and the report.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use factum::prelude::*;
use factum::{Builder, Cursor, Durability, Stats};

use crate::Result;
use crate::args::Args;
use crate::report::{Report, Sample};
use crate::rows::{self, Left};
use crate::work::{halfway, many, ten, ten_pure};

/// For so long nothing must have been applied for the checkpointer to be at rest.
const REST: Duration = Duration::from_millis(400);
/// The bytes of a segment of the log, and what its last frame may leave of it.
const SEGMENT: u64 = 17 << 20;
/// The bytes of a record, as long as none was written.
const RECORD: u64 = 100;
/// Longer than it takes to apply all that a round may leave.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Bench {
    pub(crate) args: Args,
    pub(crate) dir: PathBuf,
    pub(crate) report: Report,
    /// The engine of the rows about durable steps: opened once, and warm.
    durable: Option<Engine>,
    /// The same, which waits for no disk.
    unsynced: Option<Engine>,
    /// The log that recovery is measured on, once it is written.
    pub(crate) left: Option<Left>,
    /// The engine whose runs have ended, and where the middle of its list is.
    pub(crate) ended: Option<(Engine, Cursor)>,
}

/// Everything that runs in the engines of this process.
pub(crate) fn builder(dir: &Path) -> Builder {
    Engine::builder(dir).saga(ten).saga(ten_pure).saga(many).saga(halfway)
}

impl Bench {
    pub(crate) fn new(args: Args, dir: PathBuf) -> Result<Bench> {
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => fs::create_dir_all(&dir)?,
        }
        let report = Report::new(rows::SPECS.iter().copied().filter(|spec| args.wants(spec.key, spec.name)));
        Ok(Bench { args, dir, report, durable: None, unsynced: None, left: None, ended: None })
    }

    /// The first number in the full form, the second with `--quick`.
    pub(crate) fn size<T>(&self, full: T, quick: T) -> T {
        if self.args.quick { quick } else { full }
    }

    /// Whether one of these rows was asked for.
    pub(crate) fn wants(&self, keys: &[&str]) -> bool {
        self.report.rows.iter().any(|row| keys.contains(&row.spec.key))
    }

    /// Files what a round has measured.
    pub(crate) fn add(&mut self, key: &str, sample: Sample, note: impl Into<String>) {
        if let Some(line) = self.report.add(key, sample, note.into())
            && self.args.json
        {
            println!("{line}");
        }
    }

    /// Tells somebody who waits what is being done.
    pub(crate) fn tell(&self, text: &str) {
        eprintln!("  {text}");
    }

    pub(crate) async fn durable(&mut self) -> Result<Engine> {
        if let Some(engine) = &self.durable {
            return Ok(engine.clone());
        }
        let engine = builder(&self.dir.join("durable")).open().await?;
        load(&engine, 512, self.size(10_000, 5_000)).await?;
        rest(&engine).await?;
        Ok(self.durable.insert(engine).clone())
    }

    pub(crate) async fn unsynced(&mut self) -> Result<Engine> {
        if let Some(engine) = &self.unsynced {
            return Ok(engine.clone());
        }
        let engine = builder(&self.dir.join("unsynced")).durability(Durability::None).open().await?;
        load(&engine, 512, self.size(10_000, 1_000)).await?;
        rest(&engine).await?;
        Ok(self.unsynced.insert(engine).clone())
    }

    pub(crate) async fn end(&mut self) -> Result<()> {
        let ended = self.ended.take().map(|(engine, _)| engine);
        for engine in [self.durable.take(), self.unsynced.take(), ended].into_iter().flatten() {
            engine.shutdown().await?;
        }
        Ok(fs::remove_dir_all(&self.dir)?)
    }

    /// A directory that is not there yet.
    pub(crate) fn fresh(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.join(name);
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        Ok(dir)
    }
}

/// Runs so many runs of ten steps, each of so many tasks one after the other. How long that took.
pub(crate) async fn load(engine: &Engine, flight: usize, runs: usize) -> Result<Duration> {
    let began = Instant::now();
    side_by_side(flight, runs, {
        let engine = engine.clone();
        move |n| {
            let engine = engine.clone();
            async move {
                engine.run(ten(n as u64)).await?;
                Ok(())
            }
        }
    })
    .await?;
    Ok(began.elapsed())
}

/// Does something for each number below `count`, in so many tasks.
pub(crate) async fn side_by_side<F, Fut>(tasks: usize, count: usize, what: F) -> Result<()>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<()>> + Send,
{
    let next = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tasks: Vec<_> = (0..tasks.min(count))
        .map(|_| {
            let (what, next) = (what.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if n >= count {
                        return Ok::<(), crate::Error>(());
                    }
                    what(n).await?;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Waits until the checkpointer has nothing to do: what is left in the log is less than a segment, which is not full.
pub(crate) async fn rest(engine: &Engine) -> Result<Stats> {
    let last = last(engine).await?;
    let mut seen = (engine.stats(), Instant::now());
    wait(engine, |stats| {
        if (stats.applied, stats.records) != (seen.0.applied, seen.0.records) {
            seen = (*stats, Instant::now());
        }
        let left = last.saturating_sub(stats.applied.0);
        let record = stats.bytes.checked_div(stats.records).unwrap_or(RECORD);
        left == 0 || (left * record < SEGMENT && seen.1.elapsed() > REST)
    })
    .await
}

/// Waits until the checkpoint has everything that was recorded until now.
pub(crate) async fn applied(engine: &Engine) -> Result<Stats> {
    let last = last(engine).await?;
    wait(engine, |stats| stats.applied.0 >= last).await
}

/// The number of the last record.
async fn last(engine: &Engine) -> Result<u64> {
    let applied = engine.stats().applied.0;
    Ok(engine.tail(1).await?.last().map_or(applied, |newest| newest.entry.lsn.0))
}

async fn wait(engine: &Engine, mut done: impl FnMut(&Stats) -> bool) -> Result<Stats> {
    let began = Instant::now();
    loop {
        let stats = engine.stats();
        if done(&stats) {
            return Ok(stats);
        }
        if began.elapsed() > PATIENCE {
            return Err("the checkpointer does not come to rest".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
