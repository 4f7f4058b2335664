//! The process that is killed: an engine, and starts without end.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use factum::Error;
use factum::prelude::*;
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};

use crate::measure::Counts;
use crate::settings::{IN_THE_AIR, LEAST_IDS_AGE, PACE, Settings};
use crate::workload::{self, BLOBS, Go, Sort, asks, carries, fails, makes, naps, number, quick};

/// What the driver tells the process.
#[derive(Debug, Serialize, Deserialize)]
pub struct Orders {
    pub settings: Settings,
    /// Runs that were acknowledged lately, and when: milliseconds since 1970.
    pub expected: Vec<(String, u64)>,
    /// Runs that may be known or forgotten.
    pub ids: Vec<String>,
}

/// What the process tells the driver, a line for each.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// The engine is open; so many expected runs were looked up.
    Ready {
        checked: u64,
    },
    Acknowledged(String),
    Counted(Counts),
    /// Something that must not be.
    Fault(String),
    /// The last process is done.
    Done,
}

fn say(said: &Said) {
    let line = serde_json::to_string(said).unwrap();
    if writeln!(std::io::stdout().lock(), "{line}").is_err() {
        // The driver has gone.
        std::process::exit(1);
    }
}

fn fault(what: impl Into<String>) {
    say(&Said::Fault(what.into()));
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// Does what stdin says, until it is killed.
pub async fn run(dir: &Path) {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    let Orders { settings, expected, ids } = serde_json::from_str(&line).unwrap();
    let engine = match settings.builder(dir).open().await {
        Ok(engine) => engine,
        Err(error) => return fault(format!("it does not open: {error}")),
    };
    let mut checked = 0;
    for (id, at) in &expected {
        let found = engine.history(id).await;
        if matches!(found, Err(Error::UnknownRun { .. })) && now() - at < LEAST_IDS_AGE * 1000 {
            fault(format!("`{id}` was acknowledged and is lost"));
        }
        checked += 1;
    }
    say(&Said::Ready { checked });
    for run in engine.list().limit(usize::MAX).await.unwrap() {
        if let Some(n) = number(run.id.as_str()).filter(|n| Sort::of(*n) == Sort::Asks && !workload::has_ended(&run)) {
            go(&engine, run.id.as_str(), n).await;
        }
    }
    if settings.last {
        return end(engine, &ids).await;
    }
    tokio::spawn(count(engine.clone(), ids, settings.clone()));
    start_runs(&engine, &settings).await;
}

/// Starts runs at the pace, as long as not too many are in the air.
async fn start_runs(engine: &Engine, settings: &Settings) {
    let air = Arc::new(Semaphore::new(IN_THE_AIR));
    let mut pace = interval(Duration::from_millis(1000 / PACE));
    let next = AtomicU64::new(0);
    loop {
        pace.tick().await;
        let permit = air.clone().acquire_owned().await.unwrap();
        let n = next.fetch_add(1, Ordering::Relaxed);
        let (engine, id) = (engine.clone(), format!("{}-{n}", settings.life));
        tokio::spawn(async move {
            if let Err(error) = start(&engine, &id, n).await {
                fault(format!("`{id}` does not start: {error}"));
            }
            drop(permit);
        });
    }
}

async fn start(engine: &Engine, id: &str, n: u64) -> factum::Result<()> {
    let mut rng = Rng::new();
    match Sort::of(n) {
        Sort::Quick => drop(engine.start(quick(n)).id(id).await?),
        Sort::Fails => drop(engine.start(fails(n)).id(id).await?),
        Sort::Naps => drop(engine.start(naps(n)).id(id).await?),
        Sort::Asks => drop(engine.start(asks(n)).id(id).await?),
        Sort::Makes => drop(engine.start(makes(n, rng.usize(BLOBS))).id(id).await?),
        Sort::Carries => {
            let blob = engine.put(workload::bytes(n, rng.usize(BLOBS))).await?;
            drop(engine.start(carries(n, blob)).id(id).await?);
        }
    }
    say(&Said::Acknowledged(id.to_owned()));
    if Sort::of(n) == Sort::Asks {
        sleep(Duration::from_millis(rng.u64(0..300))).await;
        go(engine, id, n).await;
    }
    Ok(())
}

async fn go(engine: &Engine, id: &str, n: u64) {
    match engine.signal(id, Go { by: n }).await {
        // One that had its signal before the process was killed.
        Ok(()) | Err(Error::NotActive { .. } | Error::Forgotten { .. }) => {}
        Err(error) => fault(format!("`{id}` takes no signal: {error}")),
    }
}

/// Counts once a second what there is, and looks at how runs have ended.
async fn count(engine: Engine, ids: Vec<String>, settings: Settings) {
    let mut pace = interval(Duration::from_secs(1));
    let mut told = 0;
    loop {
        pace.tick().await;
        let counts = counts(&engine, &[]).await;
        say(&Said::Counted(counts));
        told += 1;
        // Looking every id up takes a while: not in every process, and once.
        if told == 2 && settings.life % 4 == 3 {
            say(&Said::Counted(self::counts(&engine, &ids).await));
        }
    }
}

async fn counts(engine: &Engine, ids: &[String]) -> Counts {
    let runs = engine.list().limit(usize::MAX).await.unwrap();
    runs.iter().filter_map(workload::wrong).for_each(fault);
    let mut forgotten = 0;
    for id in ids {
        forgotten += u64::from(matches!(engine.history(id).await, Err(Error::Forgotten { .. })));
    }
    let stats = engine.stats();
    Counts {
        runs: runs.len() as u64,
        ended: runs.iter().filter(|run| workload::has_ended(run)).count() as u64,
        ids: forgotten,
        blobs: stats.blobs,
        in_memory: stats.runs_in_memory as u64,
    }
}

/// How long the last process may take until everything is gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until every run has ended and is forgotten, and every blob and id with it.
async fn end(engine: Engine, ids: &[String]) {
    let gone = async {
        loop {
            let counts = counts(&engine, ids).await;
            say(&Said::Counted(counts));
            if counts.runs + counts.blobs + counts.ids == 0 {
                break;
            }
            sleep(Duration::from_millis(500)).await;
        }
    };
    if timeout(PATIENCE, gone).await.is_err() {
        fault(format!("what is left after {PATIENCE:?} is never forgotten"));
    }
    match engine.shutdown().await {
        Ok(()) => say(&Said::Done),
        Err(error) => fault(format!("it does not shut down: {error}")),
    }
}
