//! Starts the process, kills it, starts it again; and judges.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep_until, timeout};

use crate::CHILD;
use crate::child::{Orders, Said, now};
use crate::measure::{Counts, Sample};
use crate::settings::{BOUNDS, FEWEST_IDS, Settings};

/// How long the soak takes if nothing else is said.
const SECONDS: u64 = 300;
/// A line is printed so often.
const LINE: Duration = Duration::from_secs(10);
/// How often directory and process are measured.
const MEASURE: Duration = Duration::from_millis(500);
/// How long a process may take to open, and the last one to end. To reach it means that something hangs.
const HANGS: Duration = Duration::from_secs(120);
/// So many of the acknowledged runs are looked up by the next process: as many may be forgotten after them, by runs
/// that were in the air, without their ids being forgotten.
const EXPECTED: usize = FEWEST_IDS as usize / 2;
/// So many ids are counted: more than are ever kept.
const COUNTED: usize = 5_000;

/// What is known so far.
struct Driver {
    dir: PathBuf,
    rng: Rng,
    begun: Instant,
    next_line: Instant,
    lives: u64,
    kills: u64,
    checked: u64,
    acknowledged: u64,
    /// The newest ids that were acknowledged, and when.
    newest: VecDeque<(String, u64)>,
    now: Sample,
    most: [u64; 8],
    faults: Vec<String>,
}

pub async fn run() -> ExitCode {
    let (seconds, seed) =
        (from_env("FACTUM_SOAK_SECONDS"), from_env("FACTUM_SEED").unwrap_or_else(|| fastrand::u64(..)));
    let seconds = seconds.unwrap_or(SECONDS);
    let below = std::env::var("FACTUM_SOAK_DIR").map_or_else(|_| std::env::temp_dir(), PathBuf::from);
    let temp = tempfile::tempdir_in(below).unwrap();
    println!("soak: {seconds} s in {}, FACTUM_SEED={seed}", temp.path().display());
    let mut driver = Driver::new(temp.path(), seed);
    let end = driver.begun + Duration::from_secs(seconds);
    while Instant::now() < end && driver.faults.is_empty() {
        driver.live(end).await;
    }
    if driver.faults.is_empty() {
        driver.finish().await;
    }
    let dir = (!driver.faults.is_empty()).then(|| temp.keep());
    driver.judge(dir.as_deref())
}

fn from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")))
}

/// A process, and what it says.
struct Process {
    child: Child,
    pid: u32,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    async fn start(dir: &Path, orders: &Orders) -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(CHILD)
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let line = serde_json::to_string(orders).unwrap() + "\n";
        stdin.write_all(line.as_bytes()).await.unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Process { pid: child.id().unwrap(), child, lines }
    }

    /// What it says next; `None` when it has ended. A line that the kill cut short is none.
    async fn said(&mut self) -> Option<Said> {
        let line = self.lines.next_line().await.unwrap()?;
        serde_json::from_str(&line).ok()
    }
}

impl Driver {
    fn new(dir: &Path, seed: u64) -> Driver {
        let begun = Instant::now();
        Driver {
            dir: dir.join("data"),
            rng: Rng::with_seed(seed),
            begun,
            next_line: begun + LINE,
            lives: 0,
            kills: 0,
            checked: 0,
            acknowledged: 0,
            newest: VecDeque::new(),
            now: Sample::default(),
            most: [0; 8],
            faults: Vec::new(),
        }
    }

    fn orders(&self, settings: Settings) -> Orders {
        let recent = self.newest.iter().rev().take(EXPECTED).rev();
        let ids = self.newest.iter().map(|(id, _)| id.clone()).collect();
        Orders { settings, expected: recent.cloned().collect(), ids }
    }

    /// One process, from its start to its kill.
    async fn live(&mut self, end: Instant) {
        let settings = Settings::draw(self.lives, &mut self.rng);
        self.lives += 1;
        let orders = self.orders(settings);
        let mut process = Process::start(&self.dir, &orders).await;
        // Mostly at work, sometimes while it opens, and now and then after a long life.
        let life = match self.rng.u32(0..20) {
            // Opening repairs much: what grows in a process alone shows in a long one.
            _ if self.lives == 1 => 30_000,
            0..6 => self.rng.u64(0..300),
            6..16 => self.rng.u64(300..3_000),
            16..19 => self.rng.u64(3_000..10_000),
            _ => 30_000,
        };
        let until = (Instant::now() + Duration::from_millis(life)).min(end);
        let mut next = Instant::now();
        while Instant::now() < until {
            tokio::select! {
                said = process.said() => match said {
                    Some(said) => self.hear(said),
                    None => return self.faults.push(format!("process {} ended by itself", self.lives - 1)),
                },
                () = sleep_until(until.min(next).into()) => {
                    self.measure(&process);
                    next = Instant::now() + MEASURE;
                }
            }
        }
        process.child.start_kill().unwrap();
        // What it said before it was killed counts.
        while let Some(said) = process.said().await {
            self.hear(said);
        }
        process.child.wait().await.unwrap();
        self.kills += 1;
    }

    /// The last process: everything goes.
    async fn finish(&mut self) {
        println!("soak: everything ends and is forgotten");
        let orders = self.orders(Settings::last(self.lives));
        let mut process = Process::start(&self.dir, &orders).await;
        let done = timeout(HANGS, async {
            while let Some(said) = process.said().await {
                if matches!(said, Said::Done) {
                    return true;
                }
                self.hear(said);
            }
            false
        })
        .await;
        if done != Ok(true) {
            self.faults.push("the last process did not end as it should".to_owned());
        }
        let _ = process.child.wait().await;
        self.now = Sample::take(&self.dir, process.pid, Counts::default());
        self.line("at the end");
        // The log's newest segments, and in the arena the one that is written.
        let left = [("wal", self.now.wal, 4 << 20), ("arena", self.now.arena, 8 << 20)];
        for (what, bytes, most) in left {
            if bytes > most {
                self.faults.push(format!("{what} has {bytes} bytes when nothing is known any more"));
            }
        }
    }

    fn hear(&mut self, said: Said) {
        match said {
            Said::Ready { checked } => self.checked += checked,
            Said::Acknowledged(id) => {
                self.acknowledged += 1;
                self.newest.push_back((id, now()));
                if self.newest.len() > COUNTED {
                    self.newest.pop_front();
                }
            }
            Said::Counted(counts) => {
                // The ids are counted now and then only.
                let ids = if counts.ids > 0 { counts.ids } else { self.now.counts.ids };
                self.now.counts = Counts { ids, ..counts };
            }
            Said::Fault(what) => {
                println!("soak: FAULT {what}");
                self.faults.push(what);
            }
            Said::Done => {}
        }
    }

    fn measure(&mut self, process: &Process) {
        self.now = Sample::take(&self.dir, process.pid, self.now.counts);
        for ((most, value), bound) in self.most.iter_mut().zip(self.now.values()).zip(&BOUNDS) {
            if value > bound.most && *most <= bound.most {
                let fault = format!("{} {value} above {} ({})", bound.name, bound.most, bound.why);
                println!("soak: FAULT {fault}");
                self.faults.push(fault);
            }
            *most = value.max(*most);
        }
        if Instant::now() >= self.next_line {
            self.next_line += LINE;
            self.line("");
        }
    }

    fn line(&self, note: &str) {
        let values: String =
            BOUNDS.iter().zip(self.now.values()).map(|(b, value)| format!(" {} {value}", b.name)).collect();
        let (seconds, ended, memory) =
            (self.begun.elapsed().as_secs(), self.now.counts.ended, self.now.counts.in_memory);
        println!(
            "soak: {seconds:>3} s, {} kills, {} acknowledged,{values}, ended {ended}, in memory {memory} {note}",
            self.kills, self.acknowledged
        );
    }

    fn judge(self, dir: Option<&Path>) -> ExitCode {
        println!(
            "soak: {} kills, {} runs acknowledged, {} looked up after a kill, {:.0} s",
            self.kills,
            self.acknowledged,
            self.checked,
            self.begun.elapsed().as_secs_f64()
        );
        for (bound, most) in BOUNDS.iter().zip(self.most) {
            println!("soak:   {:<15} at most {most:>7} of {:>7}: {}", bound.name, bound.most, bound.why);
        }
        if self.faults.is_empty() {
            println!("soak: nothing grew, nothing stayed, nothing was lost");
            return ExitCode::SUCCESS;
        }
        println!("soak: {} FAULTS, the first: {}", self.faults.len(), self.faults[0]);
        if let Some(dir) = dir {
            println!("soak: the data directory is kept in {}", dir.display());
        }
        ExitCode::FAILURE
    }
}
