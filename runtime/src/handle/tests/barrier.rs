//! What waits for the disk, shown by a disk that does not answer.

#![expect(clippy::disallowed_methods, reason = "this test is a task of tokio itself")]

use std::path::Path;

use factum::prelude::*;
use tokio::sync::watch;

use super::world::{Bench, DIR};
use crate::engine::Error;
use crate::storage::StorageError;

/// Counts what was begun.
struct Begun(watch::Sender<u32>);

#[step]
async fn acts(io: &mut Io<Begun>) {
    io.app().0.send_modify(|begun| *begun += 1);
}

#[step(pure)]
async fn thinks(io: &mut Io<Begun>) {
    io.app().0.send_modify(|begun| *begun += 1);
}

#[saga(app = Begun)]
async fn ten_thoughts_and_an_act() {
    for _ in 0..10 {
        thinks().await;
    }
    acts().await;
}

/// A process that ends as a crash ends one.
async fn crashed(bench: &Bench) {
    drop(bench.open().await.unwrap());
}

/// Opens as soon as the engine before has let go of the directory.
async fn opened(bench: &Bench, begun: watch::Sender<u32>) -> Engine {
    loop {
        let builder = Engine::builder(Path::new(DIR)).segment_bytes(64 << 10).app(Begun(begun.clone()));
        match builder.saga(ten_thoughts_and_an_act).open_on(bench.platform.clone()).await {
            Err(Error::Storage(StorageError::DirectoryInUse { .. })) => tokio::task::yield_now().await,
            other => return other.unwrap(),
        }
    }
}

#[tokio::test]
async fn pure_steps_wait_for_no_sync_and_an_effect_waits_for_all_that_was_recorded() {
    let bench = Bench::new();
    let (begun, mut seen) = watch::channel(0);
    let engine = opened(&bench, begun).await;
    let before = engine.stats().syncs;
    bench.fs.hold_syncs();
    let start = tokio::spawn(engine.start(ten_thoughts_and_an_act()).id("r").into_future());
    // All of them run while not one sync has returned.
    seen.wait_for(|begun| *begun == 10).await.unwrap();
    bench.fs.until_held();
    assert!(engine.list().await.unwrap().is_empty(), "what is not durable is not shown");
    assert!(!start.is_finished(), "nor acknowledged");
    assert_eq!(*seen.borrow(), 10, "the effect waits");
    bench.fs.release_syncs();
    let run = start.await.unwrap().unwrap();
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
    assert_eq!(*seen.borrow(), 11);
    // One that was held, one for all that was queued meanwhile, one for the end.
    let syncs = engine.stats().syncs - before;
    assert!(syncs <= 3, "{syncs}");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn after_a_crash_a_started_runs_first_attempt_is_on_disk_before_it_begins() {
    // Else a pure step that takes the process down faster than the disk syncs
    // would do so in every process, and nothing would ever be known of it.
    let bench = Bench::new();
    crashed(&bench).await;
    let (begun, mut seen) = watch::channel(0);
    let engine = opened(&bench, begun).await;
    bench.fs.hold_syncs();
    let start = tokio::spawn(engine.start(ten_thoughts_and_an_act()).id("r").into_future());
    // One thread: after this everything has gone as far as it can without the disk.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    bench.fs.until_held();
    assert_eq!(*seen.borrow(), 0, "the first attempt waits");
    bench.fs.release_syncs();
    seen.wait_for(|begun| *begun == 11).await.unwrap();
    let run = start.await.unwrap().unwrap();
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
    engine.shutdown().await.unwrap();
}

#[saga(app = Begun)]
async fn thinks_after_a_while() {
    sleep(millis(300)).await;
    thinks().await;
}

#[tokio::test]
async fn after_a_crash_the_first_attempt_of_a_run_that_slept_is_on_disk_before_it_begins() {
    let bench = Bench::new();
    let (begun, seen) = watch::channel(0);
    let open = async || loop {
        let eager = Engine::builder(Path::new(DIR)).segment_bytes(64 << 10).app(Begun(begun.clone()));
        let eager =
            eager.checkpoint_interval(std::time::Duration::from_millis(5)).sleep_after(std::time::Duration::ZERO);
        match eager.saga(thinks_after_a_while).open_on(bench.platform.clone()).await {
            Err(Error::Storage(StorageError::DirectoryInUse { .. })) => tokio::task::yield_now().await,
            other => return other.unwrap(),
        }
    };
    let engine = open().await;
    drop(engine.start(thinks_after_a_while()).id("r").await.unwrap());
    while engine.stats().runs_in_memory > 0 {
        tokio::task::yield_now().await;
    }
    drop(engine);
    let engine = open().await;
    bench.fs.hold_syncs();
    while engine.stats().runs_in_memory == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*seen.borrow(), 0, "the first attempt waits");
    bench.fs.release_syncs();
    while *seen.borrow() == 0 {
        tokio::task::yield_now().await;
    }
    engine.shutdown().await.unwrap();
}
