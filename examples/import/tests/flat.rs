//! What the import needs does not grow with its pages.
//!
//! 5,000 pages, or `IMPORT_PAGES=100000`, each a visit of `Page` of one line; nothing is
//! synced, as the disk's speed is not what is shown here.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test panics where it fails, and prints what it measured"
)]

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use factum::{Durability, Engine, Event, HistoryEntry, Outcome, RunHistory};
use import::desk::Desk;
use import::machine::{Import, import as states};
use import::page::Job;

/// The smallest segment of the log that there is.
const SEGMENT: u64 = 64 << 10;

/// What was seen at one moment.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Bytes of the process in memory; none where `/proc` does not say.
    memory: Option<u64>,
    /// Bytes of the data directory.
    disk: u64,
    /// Records in the run's history,
    records: usize,
    /// and those among them that enter a state.
    visits: usize,
}

/// The bytes of all files under `dir`.
fn size(dir: &Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        // A file of the log may go while this looks.
        let Ok((entry, kind)) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) else { continue };
        bytes += if kind.is_dir() { size(&entry) } else { entry.metadata().map_or(0, |file| file.len()) };
    }
    bytes
}

fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// The states that a history tells of.
fn states_of(history: &RunHistory) -> Vec<&str> {
    let state = |entry| match entry {
        &HistoryEntry { event: Event::StateEntered { ref state, .. }, .. } => Some(&**state),
        _ => None,
    };
    history.iter().filter_map(state).collect()
}

/// The most of it in some looks.
fn most(looks: &[Look]) -> Look {
    let most = |of: fn(&Look) -> u64| looks.iter().map(of).max().unwrap_or_default();
    Look {
        memory: looks.iter().filter_map(|look| look.memory).max(),
        disk: most(|look| look.disk),
        records: most(|look| look.records as u64) as usize,
        visits: most(|look| look.visits as u64) as usize,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_disk_and_journal_stay_as_they_were_after_the_first_pages() {
    let pages: u64 = std::env::var("IMPORT_PAGES").map_or(5_000, |pages| pages.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (file, mut text) = (dir.path().join("in.jsonl"), String::new());
    for order in 0..pages {
        let date = format!("1997-{:02}-01", order % 12 + 1);
        let customer = order / 3;
        writeln!(
            text,
            r#"{{"order":"{order}","customer":"{customer}","date":"{date}","quantity":1,"amount_cents":2}}"#
        )
        .unwrap();
    }
    std::fs::write(&file, text).unwrap();

    let builder = Engine::builder(dir.path().join("engine")).durability(Durability::None).segment_bytes(SEGMENT);
    let builder = builder.checkpoint_interval(Duration::from_millis(50)).checkpoint_cache_bytes(1 << 20);
    let builder = builder.app(Desk::unsynced(&dir.path().join("table"))).fsm::<Import>();
    let engine = builder.open().await.unwrap();
    let begun = Instant::now();
    let run = engine.start(states::Opening { job: Job { file, page_lines: 1 } }).id("flat").await.unwrap();
    let mut looks = Vec::new();
    let outcome = loop {
        let ended = tokio::time::timeout(Duration::from_millis(2), run.outcome()).await;
        let history = engine.history("flat").await.unwrap();
        let visits = states_of(&history).len();
        let disk = size(&dir.path().join("engine"));
        looks.push(Look { memory: memory(), disk, records: history.len(), visits });
        if let Ok(outcome) = ended {
            break outcome.unwrap();
        }
    };
    let time = begun.elapsed();
    let Outcome::Completed(done) = outcome else { panic!("{outcome:?}") };
    let Import::Done { summary } = done.output() else { panic!("{:?}", done.output()) };
    assert_eq!((summary.imported, summary.rejected, summary.cents()), (pages, 0, 2 * pages));
    // What has not gone into the checkpoint when the run ends goes there soon.
    let last = async {
        let mut history = engine.history("flat").await.unwrap();
        while states_of(&history) != ["Done"] {
            tokio::time::sleep(Duration::from_millis(10)).await;
            history = engine.history("flat").await.unwrap();
        }
        history
    };
    let last = tokio::time::timeout(Duration::from_secs(30), last).await.unwrap();
    engine.shutdown().await.unwrap();

    // The first tenth finds its room; what comes then may not grow.
    let (first, rest) = looks.split_at(looks.len() / 10 + 1);
    let (early, late) = (most(first), most(rest));
    println!("in the end {last}");
    let each = time / u32::try_from(pages).unwrap();
    println!("{pages} pages in {time:.1?}, {each:.1?} each, {} looks", looks.len());
    println!("in the first tenth at most {early:?}, then at most {late:?}");
    assert!(looks.len() > 10, "{}", looks.len());
    // A page records more than 1 KiB, and the log's files are used again: without that there were 5 MiB more, or 100.
    assert!(late.disk <= early.disk + 24 * SEGMENT, "{early:?}, {late:?}");
    assert!(late.memory <= early.memory.map(|bytes| bytes + (2 << 20)), "{early:?}, {late:?}");
    // What has not gone into the checkpoint yet is there still.
    assert!(late.visits < usize::try_from(pages).unwrap() / 2, "{late:?}");
}
