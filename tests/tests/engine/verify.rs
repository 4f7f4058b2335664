//! A data directory is read as a whole, and everything that is wrong with it is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use factum::prelude::*;
use factum::{
    Batch, Blob, Builder, CheckpointStore, Error, History, JournalRow, KeyRange, MemoryCheckpoint, Status,
    StorageError, VerifyProblem, VerifyReport,
};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World, builder, open};

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Go {}

#[step(compensate = unpack(&output), unknown = ignore)]
async fn pack(io: &mut Io<World>, len: usize) -> Result<Blob, Oops> {
    let failed = |error: StorageError| Oops::Failed(error.to_string());
    io.put_artifact(format!("{len}").into_bytes()).await.map_err(failed)?;
    let blob = io.put((0..len).map(|n| n as u8).collect::<Vec<u8>>()).await.map_err(failed)?;
    io.app().act("pack");
    Ok(blob)
}

#[step]
async fn unpack(io: &mut Io<World>, packed: &Blob) {
    io.app().act(format!("unpack {}", packed.len()));
}

/// Waits in the middle; even ones are undone in the end.
#[saga(app = World)]
async fn trip(n: usize) -> Result<usize, Oops> {
    let packed = pack(1000 + 7 * n).await?;
    sleep(millis(1)).await;
    signal::<Go>().await;
    let text = "x".repeat(100_000);
    if n.is_multiple_of(2) { Err(Oops::Failed(text)) } else { Ok(packed.len()) }
}

#[saga(app = World)]
async fn dozes(n: usize) -> Result<usize, Oops> {
    let packed = pack(n).await?;
    sleep(days(3)).await;
    Ok(packed.len())
}

fn busy(dir: &Path, world: &World) -> Builder<World> {
    let eager = builder(dir, world).segment_bytes(64 << 10).arena_segment_bytes(256 << 10);
    eager.checkpoint_interval(Duration::from_millis(2)).sleep_after(Duration::ZERO).saga(trip).saga(dozes)
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::task::yield_now().await;
    }
}

/// Runs that have ended well and badly, that sleep, that were forgotten, with blobs; and a log behind the checkpoint.
async fn work(builder: impl Fn() -> Builder<World>, runs: usize) {
    let engine = open(&builder).await;
    for n in 0..runs {
        drop(engine.start(trip(n)).id(format!("t{n}")).await.unwrap());
        drop(engine.start(dozes(n)).id(format!("d{n}")).await.unwrap());
    }
    // One stays in memory.
    let held = engine.start(dozes(100)).id("held").await.unwrap();
    until(|| engine.stats().runs_in_memory == 1).await;
    for n in 0..runs - 2 {
        engine.signal(format!("t{n}"), Go {}).await.unwrap();
        let outcome = engine.attach(trip, format!("t{n}")).await.unwrap().outcome().await.unwrap();
        assert_eq!(outcome.status(), if n.is_multiple_of(2) { Status::Failed } else { Status::Completed });
    }
    engine.cancel("d1").await.unwrap();
    while engine.list().await.unwrap().len() > runs + 6 {
        tokio::task::yield_now().await;
    }
    drop(engine);
    // What the next process finds it has not all applied when it ends.
    let engine = open(|| builder().checkpoint_interval(Duration::from_secs(3600))).await;
    // Not before: an engine that is about to end lets a run that nobody holds fall asleep, and none is left awake.
    drop(held);
    engine.signal(format!("t{}", runs - 1), Go {}).await.unwrap();
    drop(engine.start(dozes(200)).id("late").await.unwrap());
    while engine.list().await.unwrap().iter().any(|run| run.id == "late" && run.status != Status::Waiting) {
        tokio::task::yield_now().await;
    }
    engine.shutdown().await.unwrap();
}

fn busy_with_retention(dir: &Path, world: &World) -> Builder<World> {
    busy(dir, world).keep_ended(4)
}

/// Every file below a directory, with its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut self::files(&path));
        } else {
            files.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    files
}

fn shown(report: &VerifyReport) -> String {
    report.problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// A directory after a busy life.
async fn sample() -> (tempfile::TempDir, World) {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    work(|| busy_with_retention(dir.path(), &world), 12).await;
    (dir, world)
}

fn flip(file: &Path, offset: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[offset] ^= 0x10;
    std::fs::write(file, bytes).unwrap();
}

fn named(dir: &Path, ending: &str) -> PathBuf {
    let mut found: Vec<PathBuf> =
        files(dir).into_keys().filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    assert!(!found.is_empty(), "no file {ending}");
    found.remove(0)
}

#[tokio::test]
async fn a_directory_after_a_busy_life_has_no_problem_and_not_a_byte_of_it_is_changed() {
    for history in [History::Full, History::Outcome] {
        let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
        work(|| busy_with_retention(dir.path(), &world).history(history), 12).await;
        let before = files(dir.path());
        let report = factum::verify(dir.path()).await.unwrap();
        assert!(report.is_clean(), "{}", shown(&report));
        assert!(files(dir.path()) == before, "a file was changed");
        assert!(report.last > report.applied && report.applied.0 > 100, "{report:?}");
        assert_eq!((report.runs, report.cut.is_none()), (19, true), "{report:?}");
        assert!(report.blobs > 15 && report.records > 50 && report.log_records > 0, "{report:?}");
        let bytes: usize = before.values().map(Vec::len).sum();
        assert_eq!(report.bytes, bytes as u64);
        // An engine says the same.
        let engine = busy_with_retention(dir.path(), &world).open().await.unwrap();
        assert_eq!(engine.list().await.unwrap().len(), 19);
        drop(engine);
    }
}

#[tokio::test]
async fn a_crash_and_a_backup_leave_no_problem() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let copy = tempfile::tempdir().unwrap();
    let engine = busy(dir.path(), &world).open().await.unwrap();
    for n in 0..5 {
        drop(engine.start(trip(n)).id(format!("t{n}")).await.unwrap());
    }
    world.happened("pack", 5).await;
    engine.backup(copy.path().join("b")).await.unwrap();
    drop(engine);
    let report = loop {
        match factum::verify(dir.path()).await {
            Err(Error::Storage(StorageError::DirectoryInUse { .. })) => tokio::task::yield_now().await,
            report => break report.unwrap(),
        }
    };
    assert!(report.is_clean() && report.runs == 5, "{}", shown(&report));
    let report = factum::verify(copy.path().join("b")).await.unwrap();
    assert!(report.is_clean() && report.runs == 5 && report.last == report.applied, "{}", shown(&report));
}

#[tokio::test]
async fn a_flipped_byte_in_any_kind_of_file_is_told_with_file_and_offset() {
    let (dir, _) = sample().await;
    let whole = files(dir.path());
    let told = async |file: &Path, offset: usize| {
        flip(file, offset);
        let report = factum::verify(dir.path()).await.unwrap();
        std::fs::write(file, &whole[file]).unwrap();
        let places: Vec<(PathBuf, u64)> =
            report.problems.iter().filter_map(VerifyProblem::place).map(|(file, at)| (file.to_owned(), at)).collect();
        (places, shown(&report))
    };
    // Where the structure stands that has the byte.
    let manifest = dir.path().join("MANIFEST");
    let (places, text) = told(&manifest, 35).await;
    assert!(places.iter().any(|(file, at)| *file == manifest && *at < 64), "{text}");
    let segment = named(dir.path(), ".wal");
    for (offset, structure) in [(20, 0..4096), (4096 + 50, 4096..8192)] {
        let (places, text) = told(&segment, offset).await;
        assert!(places.iter().any(|(file, at)| *file == segment && structure.contains(at)), "{offset}: {text}");
    }
    let mut seen = 0;
    for arena in files(dir.path()).into_keys().filter(|path| path.extension().is_some_and(|e| e == "arena")) {
        let (places, text) = told(&arena, 20).await;
        assert!(places.iter().any(|(file, at)| *file == arena && *at < 4096), "{text}");
        // In the header of each blob, and in its bytes; what nobody names means nothing.
        let blobs: Vec<usize> = (4096..whole[&arena].len())
            .step_by(64)
            .filter(|at| whole[&arena][at + 4..at + 8] == *b"BLOB" && whole[&arena][at + 16..at + 24] != [0; 8])
            .collect();
        for blob in blobs {
            let (head, _) = told(&arena, blob + 20).await;
            let (bytes, _) = told(&arena, blob + 64).await;
            let here = |places: &[(PathBuf, u64)], from: usize| {
                places.iter().any(|(file, at)| *file == arena && (from as u64..from as u64 + 64).contains(at))
            };
            assert_eq!(here(&head, blob), here(&bytes, blob + 64), "a blob is checked whole or not at all");
            seen += usize::from(here(&head, blob));
        }
    }
    assert!(seen >= 10, "only {seen} blobs were found to be damaged");
    let checkpoint = dir.path().join("checkpoint.redb");
    let (places, text) = told(&checkpoint, 20).await;
    assert!(places.iter().any(|(file, at)| *file == checkpoint && *at < 4096), "{text}");
    let mut seen = 0;
    let len = whole[&checkpoint].len();
    for offset in (3 * 4096 + 100..len).step_by(4096 * (len / 4096 / 16).max(1)) {
        let (places, text) = told(&checkpoint, offset).await;
        assert!(places.is_empty() || places.iter().any(|(file, _)| *file == checkpoint), "{text}");
        seen += usize::from(!places.is_empty());
    }
    assert!(seen >= 1, "no page in use was found");
    assert!(factum::verify(dir.path()).await.unwrap().is_clean());
}

#[tokio::test]
async fn two_faults_in_two_files_are_both_told() {
    let (dir, _) = sample().await;
    let (segment, checkpoint) = (named(dir.path(), ".wal"), dir.path().join("checkpoint.redb"));
    flip(&segment, 20);
    flip(&checkpoint, 20);
    let report = factum::verify(dir.path()).await.unwrap();
    for file in [&segment, &checkpoint] {
        let told = report.problems.iter().filter_map(VerifyProblem::place).any(|(found, _)| found == file);
        assert!(told, "{}: {}", file.display(), shown(&report));
    }
    // One more, and a file that is gone.
    let arena = named(dir.path(), ".arena");
    std::fs::remove_file(&arena).unwrap();
    std::fs::write(dir.path().join("wal/notes.txt"), "mine").unwrap();
    let report = factum::verify(dir.path()).await.unwrap();
    for file in [&segment, &checkpoint, &dir.path().join("wal/notes.txt")] {
        let told = report.problems.iter().filter_map(VerifyProblem::place).any(|(found, _)| found == file);
        assert!(told, "{}: {}", file.display(), shown(&report));
    }
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let (dir, _) = sample().await;
    let whole = files(dir.path());
    let arenas = files(dir.path()).into_keys().filter(|path| path.extension().is_some_and(|e| e == "arena"));
    let mut seen = 0;
    for file in arenas {
        // One in which nothing is live may go.
        std::fs::remove_file(&file).unwrap();
        let report = factum::verify(dir.path()).await.unwrap();
        seen += usize::from(report.problems.iter().filter_map(VerifyProblem::place).any(|(told, _)| *told == file));
        std::fs::write(&file, &whole[&file]).unwrap();
    }
    assert!(seen > 0, "no segment of the arena was missed");
    for ending in ["MANIFEST", "checkpoint.redb", ".wal"] {
        let file = named(dir.path(), ending);
        std::fs::remove_file(&file).unwrap();
        let report = factum::verify(dir.path()).await.unwrap();
        assert!(!report.is_clean(), "without {}", file.display());
        std::fs::write(&file, &whole[&file]).unwrap();
    }
    assert!(factum::verify(dir.path()).await.unwrap().is_clean());
}

#[tokio::test]
async fn a_directory_in_use_and_one_that_is_none_are_named_errors() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = busy(dir.path(), &world).open().await.unwrap();
    let error = factum::verify(dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::DirectoryInUse { .. })), "{error}");
    engine.shutdown().await.unwrap();
    let none = tempfile::tempdir().unwrap();
    for path in [none.path().join("absent"), none.path().to_owned()] {
        let error = factum::verify(&path).await.unwrap_err();
        assert!(matches!(error, Error::Storage(StorageError::NoDataDirectory { .. })), "{error}");
    }
    assert!(files(none.path()).is_empty(), "nothing is made");
    std::fs::write(none.path().join("photo.jpg"), "click").unwrap();
    let error = factum::verify(none.path()).await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::ForeignDirectory { .. })), "{error}");
}

#[tokio::test]
async fn a_store_of_the_users_own_is_verified_through_the_builder() {
    let (dir, world, store) = (tempfile::tempdir().unwrap(), World::new(), MemoryCheckpoint::new());
    let with_store = || busy_with_retention(dir.path(), &world).checkpoint_store(store.clone());
    work(with_store, 12).await;
    let report = with_store().verify().await.unwrap();
    assert!(report.is_clean() && report.runs == 19, "{}", shown(&report));
    // Without it the log begins too late.
    assert!(!factum::verify(dir.path()).await.unwrap().is_clean());
}

/// The tables of the checkpoint, as `FORMAT.md` names them.
const TABLES: [&str; 16] = [
    "run",
    "id",
    "awake",
    "flight",
    "timer",
    "need",
    "history",
    "ended",
    "tomb",
    "tombtime",
    "blob",
    "blobrun",
    "runblob",
    "artifact",
    "blobartifact",
    "meta",
];

#[tokio::test]
async fn a_row_that_is_gone_or_that_nobody_has_written_is_told() {
    let (dir, world, store) = (tempfile::tempdir().unwrap(), World::new(), MemoryCheckpoint::new());
    let with_store = || busy_with_retention(dir.path(), &world).checkpoint_store(store.clone());
    work(with_store, 6).await;
    let applied = store.applied_lsn().await.unwrap();
    let change = async |table: &'static str, key: &[u8], value: Option<Vec<u8>>| {
        let mut batch = Batch::new();
        match value {
            Some(value) => batch.put(table, key.to_vec(), value),
            None => batch.remove(table, key.to_vec()),
        };
        store.apply(batch, applied).await.unwrap();
    };
    let (mut removed, mut added) = (0, 0);
    for table in TABLES {
        let rows = store.scan(table, KeyRange::all(), usize::MAX).await.unwrap();
        assert!(!rows.is_empty(), "there is nothing in `{table}`");
        // Of many rows the ends are enough.
        for (key, value) in rows.iter().take(4).chain(rows.iter().skip(4).rev().take(3)) {
            change(table, key, None).await;
            let report = with_store().verify().await.unwrap();
            assert!(!report.is_clean(), "a row of `{table}` is gone");
            change(table, key, Some(value.clone())).await;
            removed += 1;
        }
        // The same row for somebody else.
        let (key, value) = &rows[0];
        let mut other = key.clone();
        *other.last_mut().unwrap() ^= 0x40;
        change(table, &other, Some(value.clone())).await;
        let report = with_store().verify().await.unwrap();
        // Other programs' single values are none of ours.
        assert!(!report.is_clean() || table == "meta", "somebody else's row in `{table}`");
        change(table, &other, None).await;
        added += 1;
        // A value that is none.
        if !value.is_empty() {
            change(table, key, Some(b"nonsense".to_vec())).await;
            let report = with_store().verify().await.unwrap();
            assert!(!report.is_clean(), "nonsense in `{table}`");
            change(table, key, Some(value.clone())).await;
        }
    }
    for run in (1..30).rev().step_by(2) {
        let journal = store.load_run(run).await.unwrap();
        // How it began, and whatever names a blob: a run that lacks a wait adds up as well.
        let names_a_blob = |row: &JournalRow| row.row.windows(7).any(|bytes| bytes == b"{\"$blob");
        for gone in journal.iter().enumerate().filter(|(n, row)| *n == 0 || names_a_blob(row)).map(|(_, row)| row) {
            let others = || journal.iter().filter(|row| row.sequence != gone.sequence);
            let put = async |rows: Vec<&JournalRow>| {
                let mut batch = Batch::new();
                batch.clear(run);
                for row in rows {
                    batch.append(run, row.sequence, row.row.clone());
                }
                store.apply(batch, applied).await.unwrap();
            };
            put(others().collect()).await;
            let report = with_store().verify().await.unwrap();
            put(journal.iter().collect()).await;
            assert!(!report.is_clean(), "a record of run {run} is gone: {:?}", gone.row);
            removed += 1;
        }
    }
    let report = with_store().verify().await.unwrap();
    assert!(report.is_clean(), "{}", shown(&report));
    println!("{removed} rows were removed one by one and {added} added, and each was told");
    assert!(removed > 80, "{removed}");
}

#[tokio::test]
async fn numbers_of_runs_are_never_used_again() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = busy(dir.path(), &world).open().await.unwrap();
    for n in 0..4 {
        drop(engine.start(trip(n)).id(format!("t{n}")).await.unwrap());
    }
    until(|| engine.stats().runs_in_memory == 0).await;
    // Of all runs the first alone is in what is applied last.
    engine.signal("t0", Go {}).await.unwrap();
    let outcome = engine.attach(trip, "t0").await.unwrap().outcome().await.unwrap();
    assert_eq!(outcome.status(), Status::Failed);
    drop(outcome);
    until(|| engine.stats().runs_in_memory == 0).await;
    engine.shutdown().await.unwrap();
    let report = factum::verify(dir.path()).await.unwrap();
    assert!(report.is_clean(), "{}", shown(&report));
    let engine = busy(dir.path(), &world).open().await.unwrap();
    drop(engine.start(dozes(5)).id("d").await.unwrap());
    until(|| engine.stats().runs_in_memory == 0).await;
    engine.signal("t1", Go {}).await.unwrap();
    let outcome = engine.attach(trip, "t1").await.unwrap().outcome().await.unwrap();
    assert_eq!(outcome.status(), Status::Completed);
    drop(outcome);
    engine.shutdown().await.unwrap();
    let report = factum::verify(dir.path()).await.unwrap();
    assert!(report.is_clean() && report.runs == 5, "{}", shown(&report));
}
