//! What waits for the disk, shown by a disk that does not answer.

#![expect(clippy::disallowed_methods, reason = "this test is a task of tokio itself")]

use std::path::Path;

use factum::prelude::*;
use tokio::sync::watch;

use super::world::{Bench, DIR};

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

#[tokio::test]
async fn pure_steps_wait_for_no_sync_and_an_effect_waits_for_all_that_was_recorded() {
    let bench = Bench::new();
    let (begun, mut seen) = watch::channel(0);
    let builder = Engine::builder(Path::new(DIR)).segment_bytes(64 << 10).app(Begun(begun));
    let engine = builder.saga(ten_thoughts_and_an_act).open_on(bench.platform.clone()).await.unwrap();
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
