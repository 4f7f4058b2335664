//! What the job needs does not grow with its pages.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use factum::{Engine, Outcome};
use statements::office::Office;
use statements::page::{Cursor, Job};
use statements::workflow::{Progress, Totals, statements};

/// The smallest segment of the log that there is.
const SEGMENT: u64 = 64 << 10;

/// The most that was seen while a job ran.
#[derive(Debug, Default)]
struct Most {
    records: usize,
    bytes: u64,
    looks: usize,
}

/// Does the kept orders in pages of `page`, on the smallest log there is, and looks all the time.
async fn watch(dir: &Path, page: u32) -> Most {
    let open = || {
        let builder = Engine::builder(dir.join("engine")).segment_bytes(SEGMENT);
        builder.checkpoint_interval(Duration::from_millis(50)).app(Office::new(None)).saga(statements).open()
    };
    let engine = open().await.unwrap();
    let orders = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/orders.jsonl"));
    let job = Job { orders, out: dir.join("statements.jsonl"), page };
    let run = engine.start(statements(job, Cursor::default(), Totals::default())).id("job").await.unwrap();
    let mut most = Most::default();
    let outcome = loop {
        let ended = tokio::time::timeout(Duration::from_millis(1), run.outcome()).await;
        most.records = most.records.max(engine.history("job").await.unwrap().len());
        most.bytes = most.bytes.max(size(&dir.join("engine")));
        most.looks += 1;
        if let Ok(outcome) = ended {
            break outcome.unwrap();
        }
    };
    let Outcome::Completed(run) = outcome else { panic!("{outcome:?}") };
    let Totals { pages, orders, statements, .. } = *run.output();
    assert_eq!((pages, orders, statements), (500_u64.div_ceil(page.into()), 500, 159));
    assert_eq!(run.progress().unwrap(), Some(Progress { pages, orders, statements }));
    engine.shutdown().await.unwrap();
    most
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

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_the_pages_need_no_longer_journal_and_no_larger_directory() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let few = watch(dirs[0].path(), 10).await;
    let many = watch(dirs[1].path(), 1).await;

    assert!(many.looks > 20, "{many:?}");
    // Each page is three records and more than one frame: without `again` there were 1,500, and six segments more.
    assert!(many.records < 200, "{many:?}");
    assert!(many.bytes <= few.bytes + 4 * SEGMENT, "{few:?}, {many:?}");
}
