//! Kills say nothing against runs that get on: however many there are, none of them is taken for poison.
//!
//! (A step that takes the process down by itself is another matter: `engine::abort`.)

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use factum::Event;
use factum::prelude::*;
use fastrand::Rng;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::{KILLS, from_env, say};

/// Says to a process of this test binary that it is to work in this directory.
const DIR: &str = "FACTUM_TEST_POISON_DIR";
/// How many runs there are, each with an attempt in the air nearly all the time.
const RUNS: usize = 20;
/// How many steps a process ends at most before it is killed.
const STEPS: usize = 60;
/// What a process says for each step that it ends.
const STEP: &str = "a step has ended";
/// Far more than anything takes that is not killed.
const HANGS: Duration = Duration::from_secs(180);

/// Works a little; whether that is enough, which somebody says by a file.
#[step]
async fn works(stop: PathBuf) -> bool {
    tokio::time::sleep(Duration::from_millis(5)).await;
    println!("{STEP}");
    stop.exists()
}

#[saga]
async fn healthy(stop: PathBuf) -> u32 {
    let mut steps = 1;
    while !works(stop.clone()).await {
        steps += 1;
    }
    steps
}

/// The body of the processes that are killed; nothing when it is run as a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let dir = Path::new(&dir);
    let engine = Engine::builder(dir.join("data")).segment_bytes(256 << 10).saga(healthy).open().await.unwrap();
    let mut runs = Vec::new();
    for n in 0..RUNS {
        runs.push(engine.start(healthy(dir.join("stop"))).id(format!("run-{n}")).await.unwrap());
    }
    let mut crashes = 0;
    for run in runs {
        let outcome = run.outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        let history = engine.history(run.id()).await.unwrap();
        crashes += history.iter().filter(|entry| matches!(entry.event, Event::Recovered { .. })).count();
    }
    println!("in the air: {crashes}");
    engine.shutdown().await.unwrap();
}

/// A process, and what it says line by line.
fn process(dir: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["poison::the_process", "--exact", "--nocapture"])
        .env(DIR, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    (process, lines)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    timeout(HANGS, lines.next_line()).await.expect("the process hangs").unwrap()
}

#[tokio::test]
async fn a_hundred_kills_of_long_healthy_runs_poison_none_of_them() {
    let kills = from_env("FACTUM_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let seed = from_env("FACTUM_SEED").unwrap_or_else(|| fastrand::u64(..));
    say(&format!("FACTUM_SEED={seed} FACTUM_KILLS={kills}, of healthy runs"));
    let mut rng = Rng::with_seed(seed);
    let dir = tempfile::tempdir().unwrap();
    for kill in 0..kills {
        let (mut process, mut lines) = process(dir.path());
        let mut left = rng.usize(0..STEPS);
        while left > 0 {
            let line = next(&mut lines).await;
            let line = line.unwrap_or_else(|| panic!("the process ended by itself before kill {kill}"));
            left -= usize::from(line.ends_with(STEP));
        }
        process.start_kill().unwrap();
        timeout(HANGS, process.wait()).await.expect("the process hangs").unwrap();
    }
    std::fs::write(dir.path().join("stop"), "").unwrap();
    let (mut process, mut lines) = process(dir.path());
    let mut crashes = None;
    while let Some(line) = next(&mut lines).await {
        crashes = crashes.or_else(|| line.strip_prefix("in the air: ")?.parse::<usize>().ok());
    }
    let status = timeout(HANGS, process.wait()).await.expect("the process hangs").unwrap();
    assert!(status.success(), "a run has not completed: {status}");
    // Nearly every kill found nearly every run with an attempt in the air.
    let crashes = crashes.unwrap();
    assert!(crashes > kills * RUNS / 4, "the kills found an attempt in the air {crashes} times only");
    say(&format!("{kills} kills found an attempt in the air {crashes} times"));
}
